# Compiler settings and the two helpers every module uses. Ranks: docs/architecture.md.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(THREADS_PREFER_PTHREAD_FLAG ON)

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wno-missing-field-initializers)
option(SLUICE_WERROR "Treat warnings as errors (CI)" OFF)
if(SLUICE_WERROR)
  add_compile_options(-Werror)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

set(SLUICE_SANITIZE "" CACHE STRING "What -fsanitize= gets: address,undefined or thread; see CMakePresets.json")
if(SLUICE_SANITIZE)
  add_compile_options(-fsanitize=${SLUICE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SLUICE_SANITIZE})
  if(SLUICE_SANITIZE MATCHES "undefined")
    # These double the compile time and find little here: a null access stops the program anyway, x86 aligns.
    add_compile_options(-fno-sanitize=null,alignment,vptr,pointer-overflow)
  endif()
endif()

# All presets but dev compile several sources as one (CMAKE_UNITY_BUILD), which is three times faster. A
# source that gives something in an anonymous namespace the same name as a neighbour does is listed here and is compiled
# alone.
file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/compiled_alone.txt SLUICE_COMPILED_ALONE REGEX "^[^#]")
function(sluice_set_compiled_alone)
  foreach(source ${ARGN})
    get_filename_component(path ${source} ABSOLUTE)
    file(RELATIVE_PATH path ${CMAKE_SOURCE_DIR} ${path})
    if(path IN_LIST SLUICE_COMPILED_ALONE)
      set_source_files_properties(${source} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    endif()
  endforeach()
endfunction()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(CURL REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS filesystem)
pkg_check_modules(LIBGIT2 REQUIRED IMPORTED_TARGET libgit2)
pkg_check_modules(LIBYAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)

# sluice_module(NAME SOURCES a.cc ... [PUBLIC module ...] [PRIVATE third-party ...])
# One static library per module, alias sluice::NAME. PUBLIC names modules of lower rank.
function(sluice_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(sluice_${name} STATIC ${ARG_SOURCES})
  sluice_set_compiled_alone(${ARG_SOURCES})
  add_library(sluice::${name} ALIAS sluice_${name})
  target_include_directories(sluice_${name} PUBLIC ${CMAKE_SOURCE_DIR})
  foreach(dep ${ARG_PUBLIC})
    target_link_libraries(sluice_${name} PUBLIC sluice_${dep})
  endforeach()
  target_link_libraries(sluice_${name} PUBLIC nlohmann_json::nlohmann_json Threads::Threads PRIVATE ${ARG_PRIVATE})
endfunction()

# sluice_test(NAME SOURCES a_test.cc ... MODULES module ... [LABELS ...] [PRIVATE third-party ...])
# One Catch2 program whose cases are ctest tests. The environment is poisoned so that no test
# can reach the user's HOME, kubeconfig, AWS account or proxy.
function(sluice_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;MODULES;LABELS;PRIVATE" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  sluice_set_compiled_alone(${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_options(${name} PRIVATE -O0)  # tests are compiled more often than they run, in every preset
  target_link_libraries(${name} PRIVATE Catch2::Catch2WithMain ${ARG_PRIVATE})
  foreach(dep ${ARG_MODULES})
    target_link_libraries(${name} PRIVATE sluice_${dep})
  endforeach()
  target_compile_definitions(${name} PRIVATE
    SLUICE_SOURCE_DIR="${CMAKE_SOURCE_DIR}" SLUICE_BINARY_DIR="${CMAKE_BINARY_DIR}")
  catch_discover_tests(${name} TEST_PREFIX "${name}: " DISCOVERY_MODE PRE_TEST PROPERTIES
    TIMEOUT 600 LABELS "${ARG_LABELS}"
    ENVIRONMENT "HOME=/nonexistent;KUBECONFIG=/nonexistent;AWS_PROFILE=none;http_proxy=;https_proxy=;GIT_CONFIG_NOSYSTEM=1;GIT_CONFIG_GLOBAL=/dev/null")
endfunction()

# sluice_e2e_test(NAME SOURCES a_test.cc ... [LABELS label])
# Cases against the real program (tests/support/e2e/world.h). Labels say where they run:
#   e2e           on the sandbox, and again on the real control plane (the default)
#   e2e-sandbox   only on the sandbox (scripted faults)
#   real          only on the real control plane
function(sluice_e2e_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LABELS" ${ARGN})
  if(NOT ARG_LABELS)
    set(ARG_LABELS e2e)
  endif()
  sluice_test(${name} SOURCES ${ARG_SOURCES} MODULES e2e_support base LABELS ${ARG_LABELS})
  if(TARGET sluice)
    add_dependencies(${name} sluice)
  endif()
endfunction()

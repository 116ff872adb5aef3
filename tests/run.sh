#!/usr/bin/env bash
# Installs what is missing, builds, and runs every tier of tests, cheap ones first.
#
#   tests/run.sh [--require-real] [--quick | --thorough] [--chaos] [--only TIER[,TIER...]]
#
#   --require-real  a tier that cannot run on this machine is a failure, not a skip
#   --quick         no sanitizers, no fuzzers, no real control plane, no quick start
#   --thorough      the sanitizers run every case, the crash tests too (12 minutes more), and --chaos
#   --chaos         the long form of the chaos suite: 200 kills, two engines, every fault (10 minutes more)
#   --only          these tiers only (names as printed); what they need is built
#
# Ends with one line, "N passed, N failed, N skipped", over the test cases of all tiers. Logs: build/test-results/.
# What tiers there are and what each is for: docs/testing.md.
set -uo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
cache=${SLUICE_TEST_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/sluice-tests}
results=$root/build/test-results
jobs=$(nproc)
side_by_side=$((jobs + (jobs + 1) / 2))  # cases wait for processes and servers a good part of their time
python=/usr/bin/python3
require_real=false quick=false thorough=false chaos_form=short only=

while [ $# -gt 0 ]; do
  case "$1" in
    --require-real) require_real=true ;;
    --quick) quick=true ;;
    --thorough) thorough=true chaos_form=long ;;
    --chaos) chaos_form=long ;;
    --only) only=${2:?--only needs the name of a tier}; shift ;;
    *) sed -n '2,13p' "$0"; exit 2 ;;
  esac
  shift
done

passed=0 failed=0 skipped=0 summary=()
plane=    # directory of a running control plane
running=  # process group of the tier that runs

# --- running one tier -------------------------------------------------------------------------------------------------
# A tier is a function. It prints to its log; it leaves "passed failed skipped" in $counts when it counted cases, else it
# counts as one case. Exit code 77 says that it cannot run here; the reason is then the last line of its log.

heartbeat() {  # heartbeat LOG PID     a line every 30 s, so that nobody wonders
  local waited=0
  while kill -0 "$2" 2> /dev/null; do
    sleep 1
    waited=$((waited + 1))
    [ $((waited % 30)) != 0 ] || echo "   … ${waited}s: $(tail -n 1 "$1" | tr -d '\r' | cut -c1-100)"
  done
}

run_tier() {  # run_tier NAME KIND FUNCTION     KIND: always | full (not with --quick) | real
  local name=$1 kind=$2 function=$3
  [ -z "$only" ] || [[ ",$only," == *",$name,"* ]] || return 0
  if $quick && [ "$kind" != always ]; then
    skip "$name" "left out by --quick"
    return
  fi
  echo "== $name"
  local log=$results/$name.log begin=$SECONDS code p f s
  counts=$results/$name.counts
  rm -f "$counts"
  : > "$log"
  # A process group of its own, so that an interrupt ends all of it.
  set -m
  "$function" > "$log" 2>&1 < /dev/null &
  local pid=$!
  set +m
  running=$pid
  heartbeat "$log" "$pid" &
  local beat=$!
  wait "$pid"
  code=$?
  kill "$beat" 2> /dev/null
  wait "$beat" 2> /dev/null
  running=
  local took=$((SECONDS - begin))
  if [ $code = 77 ] && { ! $require_real || [ "$kind" != real ]; }; then
    skip "$name" "$(tail -n 1 "$log")"
    return
  fi
  p=0 f=0 s=0
  [ ! -s "$counts" ] || read -r p f s < "$counts"
  if [ $code = 0 ] && [ $((p + f)) = 0 ]; then p=1; fi
  if [ $code != 0 ] && [ "$f" = 0 ]; then f=1; fi
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  local word=ok
  if [ "$f" != 0 ]; then
    word=FAILED
    tail -n 80 "$log" | sed 's/^/   | /'
    echo "   (all of it: $log)"
  fi
  summary+=("$(printf '%-14s %-7s %5ds  %d passed, %d failed, %d skipped.' "$name" "$word" "$took" "$p" "$f" "$s")")
  echo "   $word in ${took}s: $p passed, $f failed, $s skipped."
}

skip() {  # skip TIER REASON
  skipped=$((skipped + 1))
  summary+=("$(printf '%-14s %-7s         %s' "$1" SKIPPED "$2")")
  echo "== $1: SKIPPED: $2"
}

# A clone at another path finds what this one compiled.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1

# --- helpers of tiers -------------------------------------------------------------------------------------------------
build() {  # build PRESET [TARGET...]
  local preset=$1; shift
  local tests=()
  [ "$preset" = fuzz ] || tests=(-DSLUICE_BUILD_TESTS=ON)  # the quick start configures without
  cmake --preset "$preset" "${tests[@]}" > "$results/configure-$preset.log" 2>&1 || { cat "$results/configure-$preset.log"; return 1; }
  cmake --build --preset "$preset" -j "$jobs" "${@/#/--target=}"
}

run_cases() {  # run_cases PRESET [--each] [-- CTEST-FILTER...]
  local preset=$1; shift
  "$python" tests/support/run_cases.py "build/$preset" -j "$side_by_side" --counts "$counts" "$@"
}

free_port() {  # a port P such that P..P+6 are free
  "$python" - <<'PY'
import random, socket
for _ in range(200):
    base = random.randrange(20000, 30000)
    held = []
    try:
        for port in range(base, base + 7):
            held.append(socket.socket()); held[-1].bind(("127.0.0.1", port))
        print(base); break
    except OSError:
        continue
    finally:
        for s in held: s.close()
PY
}

# --- the tiers --------------------------------------------------------------------------------------------------------
tier_format() { bash tests/format.sh; }

tier_house() {
  "$python" tests/house/run.py --counts "$counts"
}

tier_build() { build release; }

tier_hermetic() { build release && run_cases release -- -LE '^(e2e.*|real|house|bench)$'; }

tier_sandbox() { build release && run_cases release --each -- -L '^e2e'; }

# The programs are kept under a key of what they are built from, so that only a change of version builds again.
control_plane_programs() {
  local go key bin
  go=$(tests/real/go.sh "$cache") || return 77
  key=$(cat tests/real/kubernetes/{go.mod,go.sum,build.sh} | sha256sum | cut -c1-16)
  bin=$cache/control-plane-$key
  if [ ! -e "$bin/complete" ]; then
    echo "building the control plane with $("$go" env GOVERSION) into $bin" >&2
    rm -rf "$bin"
    GO=$go bash tests/real/kubernetes/build.sh "$bin" >&2 || return 1
    touch "$bin/complete"
  fi
  echo "$bin"
}

tier_control_plane() { control_plane_programs; }

plane_up() {  # once, for all tiers that need it; it is taken down at the end
  local bin code
  [ ! -e "$plane/kube-apiserver.pid" ] || return 0
  bin=$(control_plane_programs); code=$?
  [ $code = 0 ] || return $code
  rm -rf "$plane"
  bash tests/real/kubernetes/controlplane.sh up "$plane" "$bin" "$(free_port)"
}

tier_real() {
  build release || return 1
  plane_up || return
  SLUICE_REAL_DIR=$plane SLUICE_TEST_CONTEXT=dev SLUICE_TEST_KUBECONFIG=$plane/platform.kubeconfig \
    SLUICE_TEST_ADMIN_KUBECONFIG=$plane/admin.kubeconfig run_cases release --each -- -L '^(e2e|cluster|real)$'
}

tier_chaos() {
  build release || return 1
  plane_up || return
  "$python" tests/chaos/run.py --sluice build/release/sluice --plane "$plane" "--$chaos_form" --counts "$counts"
}

# ASLR with many random bits makes GCC 12's sanitizers stop at start now and then.
without_aslr() {
  if setarch "$(uname -m)" -R true 2> /dev/null; then setarch "$(uname -m)" -R "$@"; else "$@"; fi
}

sanitized() {  # sanitized PRESET CTEST-FILTER...
  local preset=$1; shift
  local suppressions=$root/tests/support/sanitizers
  export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
  export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
  export LSAN_OPTIONS=suppressions=$suppressions/lsan.supp:print_suppressions=0
  export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:suppressions=$suppressions/tsan.supp
  export -f run_cases
  export counts python side_by_side
  without_aslr bash -c 'run_cases "$@"' run_cases "$preset" -- "$@"
}

# What a sanitizer sees in other cases already: of the end-to-end cases on the sandbox alone most of the time goes into
# starting the program once for each effect. For TSan also what has one thread each (the second line), or the same threads
# as the cases of spine_test and operators_test.
left_out='real|house|bench'
tsan_left_out='platform_test|replace_test|transport_test'
tsan_left_out+='|config_test|gates_test|health_test|model_test|plan_test|promotion_test|render_test|yaml_test'
if $thorough; then tsan_left_out=none; else left_out+='|e2e-sandbox'; fi

tier_asan_ubsan() { build asan-ubsan && sanitized asan-ubsan -LE "^($left_out)\$"; }
tier_tsan() { build tsan && sanitized tsan -LE "^($left_out)\$" -E "^($tsan_left_out):"; }

tier_fuzz() { build fuzz fuzzers && bash tests/fuzz/run.sh build/fuzz "${SLUICE_FUZZ_SECONDS:-20}" "$counts"; }

# Output is kept: the ratios are what a bench is run for.
tier_bench() { build release && ctest --test-dir build/release -L '^bench$' --verbose; }

tier_quick_start() { bash examples/quickstart/run.sh; }

# ----------------------------------------------------------------------------------------------------------------------
stop_plane() { [ -z "$plane" ] || [ ! -d "$plane" ] || bash tests/real/kubernetes/controlplane.sh down "$plane"; }

bash tests/install.sh || exit $?
mkdir -p "$results" "$cache"
plane=$(mktemp -d "${TMPDIR:-/tmp}/sluice-plane.XXXXXX")
trap 'stop_plane; rm -rf "$plane"' EXIT
trap '[ -z "$running" ] || kill -TERM -- -"$running" 2> /dev/null; exit 130' INT TERM
begin=$SECONDS

run_tier format always tier_format
run_tier house always tier_house
run_tier build always tier_build
run_tier hermetic always tier_hermetic
run_tier sandbox always tier_sandbox
run_tier control-plane real tier_control_plane
run_tier real real tier_real
run_tier chaos real tier_chaos
run_tier asan-ubsan full tier_asan_ubsan
run_tier tsan full tier_tsan
run_tier fuzz full tier_fuzz
run_tier bench full tier_bench
run_tier quick-start full tier_quick_start

echo
printf '%s\n' "${summary[@]}"
echo "$((SECONDS - begin)) s in all"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]

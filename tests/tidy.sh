#!/usr/bin/env bash
# clang-tidy over the sources, by hand: it takes half an hour on two cores, and clang 14 cannot read every file.
#
#   tests/tidy.sh [FILE...]     default: every source of the engine
#
# Exit code 1 when there is a finding. Checks, and why some are off: .clang-tidy.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v clang-tidy-14 > /dev/null || { echo "tests/tidy.sh: install it: apt-get install clang-tidy-14" >&2; exit 2; }
cmake --preset dev > /dev/null
[ $# -gt 0 ] || mapfile -t files < <(git ls-files 'engine/*.cc')
[ $# = 0 ] || files=("$@")
# Errors are of the old compiler, not of the source: GCC compiles it.
found=$(printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy-14 -p build/dev --quiet 2> /dev/null |
  grep -E '^[^ ]+: warning: ' | sort -u || true)
[ -z "$found" ] || { echo "${found//"$PWD/"/}"; exit 1; }
echo "clang-tidy: nothing found in ${#files[@]} files"

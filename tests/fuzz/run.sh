#!/usr/bin/env bash
# Runs every fuzzer of a build, two at a time, each from its corpus.
#   run.sh BUILD-DIRECTORY SECONDS [COUNTS-FILE]
# What a fuzzer finds goes to BUILD-DIRECTORY/findings/; the command to see it again is printed.
set -uo pipefail
[ $# -ge 2 ] || { sed -n '2,4p' "$0"; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "$1") seconds=$2 counts=${3:-/dev/null}
findings=$build/findings
mkdir -p "$findings"
symbolizer=$(command -v llvm-symbolizer-14 || command -v llvm-symbolizer || true)
export ASAN_OPTIONS=detect_leaks=1${symbolizer:+:external_symbolizer_path=$symbolizer}

one() {  # one PROGRAM
  local name=${1##*/} grown dictionary=()
  name=${name%_fuzz}
  grown=$build/corpus/$name
  mkdir -p "$grown" "$here/corpus/$name"
  [ ! -e "$here/corpus/$name.dict" ] || dictionary=(-dict="$here/corpus/$name.dict")
  # New inputs go to the first directory: the tracked corpus stays as it is.
  if "$1" "$grown" "$here/corpus/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
    -print_final_stats=1 -artifact_prefix="$findings/$name-" "${dictionary[@]}" > "$build/$name.fuzz.log" 2>&1; then
    echo "$name: $(grep -o 'stat::number_of_executed_units: *[0-9]*' "$build/$name.fuzz.log" | grep -o '[0-9]*$') runs"
  else
    tail -n 60 "$build/$name.fuzz.log"
    echo "$name: FAILED; again with: $1 $(grep -o "$findings/[^ ]*" "$build/$name.fuzz.log" | tail -n 1)"
    return 1
  fi
}

passed=0 failed=0 pids=()
finish() {
  if wait "$1"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}
for program in "$build"/tests/fuzz/*_fuzz; do
  [ -x "$program" ] || { echo "no fuzzer in $build/tests/fuzz"; exit 1; }
  one "$program" &
  pids+=($!)
  if [ ${#pids[@]} -ge 2 ]; then
    finish "${pids[0]}"
    pids=("${pids[@]:1}")
  fi
done
for pid in "${pids[@]}"; do finish "$pid"; done
echo "$passed $failed 0" > "$counts"
[ "$failed" = 0 ]

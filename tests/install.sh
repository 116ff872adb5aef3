#!/usr/bin/env bash
# Installs the Debian (bookworm) packages that sluice needs.
#
#   tests/install.sh [--product | --tests]      both lists unless one is named
#
# As root it runs apt-get for what is missing; otherwise it prints the one command to run and exits 2.
# Nothing is fetched when nothing is missing.
set -euo pipefail

product=(  # to build and run the product
  ca-certificates git openssh-client openssl curl tzdata python3  # python3: the quick start's git server
  g++ cmake ninja-build pkg-config ccache mold
  libgit2-dev libyaml-cpp-dev libyaml-dev nlohmann-json3-dev libsimdjson-dev
  libboost1.81-dev libboost-filesystem1.81-dev libspdlog-dev libfmt-dev libcurl4-openssl-dev
  libcli11-dev libexpected-dev libre2-dev libssl-dev libhowardhinnant-date-dev
)
tests=(  # to run every tier of tests/run.sh
  catch2 python3-venv python3-yaml python3-jsonschema procps
  openssh-server gnupg zsh fish
  clang-format clang-tidy clang-14 libclang-rt-14-dev llvm-14
)

case "${1:-}" in
  "") wanted=("${product[@]}" "${tests[@]}") ;;
  --product) wanted=("${product[@]}") ;;
  --tests) wanted=("${tests[@]}") ;;
  *) sed -n '2,7p' "$0"; exit 2 ;;
esac

command -v dpkg-query > /dev/null || {
  echo "install: this is not a Debian machine; needed are the counterparts of: ${wanted[*]}" >&2
  exit 2
}
installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "${wanted[@]}" 2> /dev/null |
  sed -n 's/ installed$//p' || true)
missing=()
for package in "${wanted[@]}"; do
  grep -qx -- "$package" <<< "$installed" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

command=(apt-get install -y --no-install-recommends "${missing[@]}")
if [ "$(id -u)" != 0 ]; then
  echo "install: ${#missing[@]} packages are missing; run this and try again:" >&2
  echo "  sudo sh -c 'apt-get update && ${command[*]}'" >&2
  exit 2
fi

echo "install: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
# Another apt-get may hold the lock for a while on a machine that has just started.
if ! { apt-get -o DPkg::Lock::Timeout=300 update && apt-get -o DPkg::Lock::Timeout=300 "${command[@]:1}"; } > "$log" 2>&1; then
  tail -n 30 "$log" >&2
  echo "install: apt-get could not install ${missing[*]}; the reason is above" >&2
  exit 1
fi

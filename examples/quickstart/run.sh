#!/usr/bin/env bash
# A tour of sluice on this machine alone: no cluster, no account.
#
#   examples/quickstart/run.sh [--keep] [--dir DIR]
#
#   --keep     leave everything running at the end, and say how to look at it and how to stop it
#   --dir DIR  work there (absent, empty, or left by an earlier tour); default: a new directory below TMPDIR
#
# It installs the Debian packages that are missing (as root; otherwise it prints the one command that does) and builds
# build/release/sluice. SLUICE_BIN names a program that is built already; then nothing is installed or built.
# Ends with one line: "quick start: done, ..." (exit code 0) or "quick start: failed: ..." (exit code 1).
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
python=/usr/bin/python3
patience=${SLUICE_QUICKSTART_PATIENCE:-300}  # seconds for each thing that is waited for
keep=false dir=
image=registry.example/shop/checkout

usage() { sed -n '2,11p' "$0"; exit "$1"; }
while [ $# -gt 0 ]; do
  case "$1" in
    --keep) keep=true ;;
    --dir) [ $# -ge 2 ] || usage 2; dir=$2; shift ;;
    -h | --help) usage 0 ;;
    *) usage 2 >&2 ;;
  esac
  shift
done

# --- talking ----------------------------------------------------------------------------------------------------------
step=0
say() { printf '\n%s\n' "$*"; }
title() { step=$((step + 1)); printf '\n== %d. %s\n' "$step" "$*"; }

quoted() {
  local word out=
  for word in "$@"; do
    case "$word" in *[!a-zA-Z0-9_./:=@%,+-]* | "") word="'$word'" ;; esac
    out+="${out:+ }$word"
  done
  echo "$out"
}

show() {  # show COMMAND...     prints the command as it can be repeated, and runs it
  printf '   $ %s\n' "$(quoted "$@")"
  local code=0
  "$@" > "$dir/shown" 2>&1 || code=$?
  sed 's/^/     /' "$dir/shown"
  return $code
}

fail() {
  failure=$*
  exit 1
}

# --- starting, waiting, stopping --------------------------------------------------------------------------------------
failure= begun=false
names=() pids=()

start() {  # start NAME COMMAND...     in a session of its own, so that --keep outlives this terminal; output: NAME.log
  local name=$1
  shift
  setsid "$@" > "$dir/$name.log" 2>&1 < /dev/null &
  names+=("$name") pids+=("$!")
  echo "$!" >> "$dir/pids"
}

require_alive() {
  local i
  for i in "${!pids[@]}"; do
    kill -0 "${pids[$i]}" 2> /dev/null || fail "${names[$i]} has ended: $(tail -n 3 "$dir/${names[$i]}.log")"
  done
}

await() {  # await WORDS COMMAND...     until the command succeeds
  local what=$1 begin=$SECONDS told=$SECONDS
  shift
  until "$@"; do
    require_alive
    [ $((SECONDS - begin)) -lt "$patience" ] || fail "waited $patience s for this: $what"
    if [ $((SECONDS - told)) -ge 15 ]; then
      told=$SECONDS
      echo "   … $((SECONDS - begin)) s, waiting: $what"
    fi
    sleep 0.2
  done
  echo "   -> $what"
}

stop_all() {
  local i
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
    kill "${pids[$i]}" 2> /dev/null || continue
    for _ in $(seq 150); do
      kill -0 "${pids[$i]}" 2> /dev/null || break
      sleep 0.1
    done
    kill -KILL "${pids[$i]}" 2> /dev/null || true
    wait "${pids[$i]}" 2> /dev/null || true
  done
}

finish() {
  local code=$?
  trap - EXIT
  trap '' INT TERM HUP
  if [ $code != 0 ] && $begun; then
    {
      for name in sandbox git-server daemon; do
        [ ! -s "$dir/$name.log" ] || { echo; echo "-- the end of $name.log:"; tail -n 25 "$dir/$name.log"; }
      done
      [ ! -s "$dir/shown" ] || { echo "-- the last command said:"; tail -n 10 "$dir/shown"; }
    } >&2
  fi
  if $begun && ! $keep; then
    stop_all
    rm -rf "$dir"
  fi
  if [ $code != 0 ]; then
    if $begun && $keep; then echo "left running; stop it: $(stop_command)" >&2; fi
    echo "quick start: failed: ${failure:-a command ended with exit code $code; what it said is above}" >&2
    exit 1
  fi
}
stop_command() { echo "kill \$(cat $(quoted "$dir/pids"))"; }
trap finish EXIT
trap 'failure=interrupted; exit 130' INT TERM HUP

# --- what the log says, by stock git ----------------------------------------------------------------------------------
origin() { git --git-dir="$dir/shop.git" "$@"; }

field() {  # field ENV/APP PATH     of the unit's record, for example: field dev/checkout running.release.version
  origin show "deployments:$1.json" 2> /dev/null | "$python" -c '
import functools, json, sys
print(functools.reduce(lambda value, key: (value or {}).get(key), sys.argv[1].split("."), json.load(sys.stdin)) or "")' "$2" 2> /dev/null
}

runs() {  # runs ENV/APP VERSION     verified and recorded
  [ "$(field "$1" running.release.version)" = "$2" ] && [ "$(field "$1" outcome)" = Succeeded ] && [ "$(field "$1" phase)" = Idle ]
}

all_run() {
  local version=$1 unit
  shift
  for unit in "$@"; do runs "$unit" "$version" || return 1; done
}

has_event() {  # has_event ENV/APP EVENT
  origin log --format='%(trailers:key=Sluice-Event,valueonly)' deployments -- "$1.json" | grep -x "$2" > /dev/null
}

declares() { origin show "main:environments/$1/release.yaml" | grep "tag: \"\?$2\"\?\$" > /dev/null; }

ask() { curl --silent --show-error --max-time 10 "$front/$1/shop-checkout/checkout/"; }

# --- 0. the program ---------------------------------------------------------------------------------------------------
if [ -n "${SLUICE_BIN:-}" ]; then
  bin=$(readlink -f "$SLUICE_BIN")
else
  bash "$root/tests/install.sh" --product || { failure="packages are missing"; exit 1; }
  bin=$root/build/release/sluice
  # ccache needs a place; without a home it gets one here.
  if [ -z "${CCACHE_DIR:-}" ] && ! [ -w "${HOME:-/nonexistent}" ]; then export CCACHE_DIR=$root/build/ccache; fi
  mkdir -p "$root/build"
  log=$root/build/quickstart-build.log
  configure=(cmake --preset release)
  [ -e "$root/build/release/CMakeCache.txt" ] || configure+=(-DSLUICE_BUILD_TESTS=OFF)
  echo "Building build/release/sluice (the first time takes some minutes; log: $log)"
  cd "$root"
  "${configure[@]}" > "$log" 2>&1 || { tail -n 20 "$log" >&2; fail "cmake could not configure; see $log"; }
  built=0
  if [ -t 1 ]; then
    cmake --build --preset release --target sluice sluice-sandbox 2>&1 | tee -a "$log" || built=$?
  else
    cmake --build --preset release --target sluice sluice-sandbox >> "$log" 2>&1 || built=$?
  fi
  [ $built = 0 ] || { tail -n 40 "$log" >&2; fail "the build failed; see $log"; }
fi
[ -x "$bin" ] || fail "$bin is not a program"
for tool in git curl "$python"; do
  command -v "$tool" > /dev/null || fail "$tool is missing; install it with: bash tests/install.sh --product"
done

# --- the place --------------------------------------------------------------------------------------------------------
if [ -z "$dir" ]; then
  dir=$(mktemp -d "${TMPDIR:-/tmp}/sluice-quickstart.XXXXXX")
else
  mkdir -p "$dir"
  dir=$(cd "$dir" && pwd)
  if [ -e "$dir/pids" ] && [ -d "$dir/shop.git" ]; then
    # shellcheck disable=SC2046
    if kill -0 $(cat "$dir/pids") 2> /dev/null; then fail "an earlier tour runs in $dir; stop it: $(stop_command)"; fi
    rm -rf "$dir"
    mkdir "$dir"
  elif [ -n "$(ls -A "$dir")" ]; then
    fail "$dir is not empty; name a new directory"
  fi
fi
begun=true
mkdir "$dir/bin" "$dir/home"
ln -s "$bin" "$dir/bin/sluice"

# Nothing of this user's own configuration plays a part, and no proxy stands between programs of this machine.
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
unset XDG_CACHE_HOME XDG_CONFIG_HOME
export HOME=$dir/home GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_PAGER=cat LC_ALL=C.UTF-8
export PATH=$dir/bin:$PATH SLUICE_CONFIG=$dir/daemon.yaml
# Who the commits of `git` and `sluice release` are by.
export GIT_AUTHOR_NAME="Dana Developer" GIT_AUTHOR_EMAIL=dana@example.com
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL

echo "The tour happens in $dir. To repeat its commands in another terminal (keep it with --keep), first:"
echo "   export PATH=$(quoted "$dir/bin"):\$PATH SLUICE_CONFIG=$(quoted "$SLUICE_CONFIG")"

# --- the tour ---------------------------------------------------------------------------------------------------------
title "Three clusters: dev, staging and prod"
say "\`sluice sandbox\` plays them on loopback. It is a simulation: no container runs, but the API is Kubernetes' own."
echo "   \$ sluice sandbox --dir $(quoted "$dir/clusters") &"
start sandbox sluice sandbox --dir "$dir/clusters" --clusters dev,staging,prod
await "the sandbox is ready" grep -qx ready "$dir/sandbox.log"
front=$(sed -n 's#^HTTP front: \(http://[0-9.:]*\)/.*#\1#p' "$dir/sandbox.log")
[ -n "$front" ] || fail "the sandbox did not say where its HTTP front is"

title "A config repo that declares what runs where"
say "A copy of environments/shop: a pipeline of three environments with two applications each. It is served over HTTP by
\`git http-backend\`, as a Git forge would."
cp -R "$root/environments/shop" "$dir/shop"
# The shop names the HTTP front at its default port; here it is wherever there was room.
grep -rl '127\.0\.0\.1:18080' "$dir/shop" | xargs sed -i "s#127\.0\.0\.1:18080#${front#http://}#g"
git init --quiet --bare --initial-branch=main "$dir/shop.git"
origin config http.receivepack true
mkfifo "$dir/git-server.stdin"
# The server ends with its standard input; a FIFO that it has open for writing, too, never ends.
start git-server bash -c 'exec "$@" <> "$0"' "$dir/git-server.stdin" \
  "$python" "$root/tests/support/git_http_server.py" --root "$dir" --ready "$dir/git-server.address"
await "the git server is ready" test -s "$dir/git-server.address"
url=$(cat "$dir/git-server.address")/shop.git
git -C "$dir/shop" init --quiet --initial-branch=main
git -C "$dir/shop" remote add origin "$url"
git -C "$dir/shop" add --all
git -C "$dir/shop" commit --quiet --message "Declare the shop: checkout and catalog 1.0.0 everywhere"
show git -C "$dir/shop" push --quiet --set-upstream origin main
show sluice validate "$dir/shop"

title "The daemon makes live match Git"
cat > "$dir/daemon.yaml" << YAML
apiVersion: sluice.dev/v1
kind: Daemon
metadata: {name: quickstart}
spec:
  repository: {url: "$url", poll: 1s}
  kubeconfig: $dir/clusters/kubeconfig
  dataDir: $dir/data
  identity: {name: sluice, email: sluice@example.com}
YAML
sed 's/^/     /' "$dir/daemon.yaml"
say "Before the first start: what would happen in prod?"
show sluice plan prod/checkout
say "Now the daemon. It polls the repository and never needs to be told anything."
echo "   \$ sluice run &"
start daemon env -u GIT_AUTHOR_NAME -u GIT_AUTHOR_EMAIL -u GIT_COMMITTER_NAME -u GIT_COMMITTER_EMAIL sluice run
await "dev, staging and prod run version 1.0.0 of both applications" \
  all_run 1.0.0 {dev,staging,prod}/{checkout,catalog}
show sluice status
say "Every object is there, and the shop answers (this is what its smoke tests ask for):"
show curl --silent --show-error "$front/prod/shop-checkout/checkout/"

title "A good release: 1.1.0 enters dev"
say "What CI would do after a build: one commit of three lines to dev's release.yaml."
show sluice release dev/checkout --image "$image=v1.1.0" --version 1.1.0
await "dev runs 1.1.0" runs dev/checkout 1.1.0
say "staging has promotion mode auto: sluice commits the same release there as soon as it has succeeded in dev."
await "staging runs 1.1.0, by a commit of sluice" runs staging/checkout 1.1.0
say "prod has mode manual: a person promotes."
show sluice promote prod/checkout
await "prod runs 1.1.0" runs prod/checkout 1.1.0
show sluice log prod/checkout

title "A bad release: 1.2.0 comes up healthy, and answers every request with 500"
say "dev only looks whether anything listens, so 1.2.0 succeeds there and goes on to staging by itself. Staging's smoke test
asks for an answer."
show sluice release dev/checkout --image "$image=http500-1.2.0" --version 1.2.0
await "dev runs 1.2.0" runs dev/checkout 1.2.0
await "staging's smoke test said no" has_event staging/checkout failed
await "live in staging is back at 1.1.0" has_event staging/checkout rolledback
await "a revert commit is on main" has_event staging/checkout reverted
await "staging is at rest with 1.1.0, in Git and live" runs staging/checkout 1.1.0
declares staging/checkout v1.1.0 || fail "main still declares the bad release in staging"
show sluice log staging/checkout
say "The revert restores this unit's directory alone, and says why:"
show git --git-dir="$dir/shop.git" log -1 --format='%an: %s%n%n%b' main -- environments/staging/checkout

title "It never reaches prod"
say "Nothing newer than what prod runs has succeeded in staging, so there is nothing to promote, not even by hand:"
code=0
show sluice promote prod/checkout || code=$?
[ $code = 0 ] || [ $code = 4 ] || fail "sluice promote ended with exit code $code"
runs prod/checkout 1.1.0 || fail "prod does not run 1.1.0"
declares prod/checkout v1.1.0 || fail "main does not declare 1.1.0 in prod"
show curl --silent --show-error "$front/prod/shop-checkout/checkout/"
for environment in staging prod; do
  ask "$environment" | grep '"version": *"v1\.1\.0"' > /dev/null || fail "$environment does not answer as 1.1.0"
done
if origin log --format=%B deployments -- prod/checkout.json | grep 'http500\|1\.2\.0' > /dev/null; then
  fail "prod's log knows the bad release"
fi

title "What Git knows"
say "Branch main: what was declared, by whom."
show git --git-dir="$dir/shop.git" log --format='%h %<(16,trunc)%an %s' main
say "Branch deployments: what happened. Stock git is all that an auditor needs."
show git --git-dir="$dir/shop.git" log --format='%h %<(11)%(trailers:key=Sluice-Event,valueonly,separator=%x2C) %s' deployments
show sluice status

if $keep; then
  say "Everything goes on running. Look at it:
   export PATH=$(quoted "$dir/bin"):\$PATH SLUICE_CONFIG=$(quoted "$SLUICE_CONFIG")
   sluice status --live
   sluice log
   git -C $(quoted "$dir/shop") pull         # then change something, commit, push, and watch:
   tail -f $(quoted "$dir/daemon.log")
   curl $front/staging/shop-checkout/checkout/
Stop it, then remove what it left:
   $(stop_command)
   rm -rf $(quoted "$dir")"
fi
echo
echo "quick start: done, 1.1.0 went from dev to prod; 1.2.0 failed in staging, was rolled back and reverted, and never reached prod"

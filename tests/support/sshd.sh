#!/usr/bin/env bash
# An SSH server on loopback for tests, as the user who runs it, with keys and configuration of its own.
#   sshd.sh DIR
# Writes DIR/{client_key,known_hosts,port}, the last one once it serves, and ends when its standard input ends. Exit code
# 77 with the reason when it cannot run here.
set -euo pipefail
dir=$(mkdir -p "$1" && cd "$1" && pwd)
sshd=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v sshd) || {
  echo "openssh-server is not installed; install it: apt-get install openssh-server" >&2
  exit 77
}
if [ "$(id -u)" = 0 ]; then mkdir -p -m 0755 /run/sshd; fi
for key in host_key client_key; do
  [ -e "$dir/$key" ] || ssh-keygen -q -t ed25519 -N "" -C test -f "$dir/$key"
done
cp "$dir/client_key.pub" "$dir/authorized_keys"
server=
trap '[ -z "$server" ] || kill "$server" 2> /dev/null' EXIT

for _ in 1 2 3 4 5; do
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  cat > "$dir/sshd_config" <<CONFIG
ListenAddress 127.0.0.1:$port
HostKey $dir/host_key
AuthorizedKeysFile $dir/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AllowUsers $(id -un)
AcceptEnv GIT_PROTOCOL
LogLevel VERBOSE
CONFIG
  "$sshd" -D -e -f "$dir/sshd_config" 2>> "$dir/sshd.log" < /dev/null &
  server=$!
  for _ in $(seq 200); do
    kill -0 "$server" 2> /dev/null || break
    if (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; then
      echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 "$dir/host_key.pub")" > "$dir/known_hosts"
      echo "$port" > "$dir/port.tmp" && mv "$dir/port.tmp" "$dir/port"
      cat > /dev/null  # until standard input ends
      exit 0
    fi
    sleep 0.05
  done
done
tail -n 5 "$dir/sshd.log" >&2
echo "sshd does not start; its last words are above" >&2
exit 77

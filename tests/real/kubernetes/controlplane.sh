#!/usr/bin/env bash
# A real Kubernetes control plane on loopback, without containers: etcd, kube-apiserver,
# kube-controller-manager, kube-scheduler and kwok (which plays the kubelets, by stages.yaml).
#
#   controlplane.sh up   DIR BIN [PORT]   start it; state, logs and kubeconfigs go to DIR; ports PORT..PORT+6
#   controlplane.sh down DIR              stop the processes that `up` started, by their recorded ids
#
# Contexts of the kubeconfigs: dev, staging, prod, all of this one plane.
# DIR/admin.kubeconfig     cluster admin (client certificate)
# DIR/kubeconfig           service account sluice/sluice of examples/rbac/: reads namespaces; what it may do in a
#                          namespace is for a RoleBinding to ClusterRole sluice-deployer there to say
# DIR/platform.kubeconfig  service account sluice/platform: sluice-deployer and sluice-platform everywhere
# DIR/audit.log            one JSON line per request of the two (audit-policy.yaml)
# DIR/http                 base URL of the HTTP front: <base>/<context>/<namespace>/<service>/… answers as the workload would
# Environment: RBAC (manifest to apply; default examples/rbac/sluice-rbac.yaml), STAGES, APISERVER_FLAGS
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)

die() { echo "controlplane: $*" >&2; exit 1; }

key_and_cert() {  # key_and_cert NAME SUBJECT [extension lines]
  openssl ecparam -name prime256v1 -genkey -noout -out "$1.key" 2> /dev/null
  openssl req -new -key "$1.key" -subj "$2" -out "$1.csr" 2> /dev/null
  printf '%s\n' "${3:-extendedKeyUsage=clientAuth}" > "$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile "$1.ext" -out "$1.crt" 2> /dev/null
}

kubeconfig() {  # kubeconfig USER CREDENTIALS > FILE     CREDENTIALS: the lines of a user in flow style
  cat <<K
apiVersion: v1
kind: Config
clusters: [{name: testbed, cluster: {server: "https://127.0.0.1:$port", certificate-authority-data: $(base64 -w0 < ca.crt)}}]
users: [{name: $1, user: {$2}}]
current-context: dev
contexts:
- {name: dev, context: {cluster: testbed, user: $1}}
- {name: staging, context: {cluster: testbed, user: $1}}
- {name: prod, context: {cluster: testbed, user: $1}}
K
}

token() { "$bin/kubectl" --kubeconfig admin.kubeconfig --namespace sluice create token "$1" --duration 48h; }

service_accounts() {  # the engine's, by the manifest that ships, and one that may make namespaces and types, too
  "$bin/kubectl" --kubeconfig admin.kubeconfig apply --server-side -f "$1" > rbac.log 2>&1 || die "cannot apply $1: $(cat rbac.log)"
  "$bin/kubectl" --kubeconfig admin.kubeconfig apply --server-side -f - > /dev/null <<'K'
apiVersion: v1
kind: ServiceAccount
metadata: {name: platform, namespace: sluice}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: platform-observer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: sluice-observer}
subjects: [{kind: ServiceAccount, name: platform, namespace: sluice}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: platform-deployer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: sluice-deployer}
subjects: [{kind: ServiceAccount, name: platform, namespace: sluice}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: platform-platform}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: sluice-platform}
subjects: [{kind: ServiceAccount, name: platform, namespace: sluice}]
K
  kubeconfig sluice "token: $(token sluice)" > kubeconfig
  kubeconfig platform "token: $(token platform)" > platform.kubeconfig
}

start() {  # start NAME COMMAND...
  local name=$1; shift
  setsid "$@" > "$name.log" 2>&1 < /dev/null &
  echo "$!" > "$name.pid"
}

wait_for() {  # wait_for WHAT COMMAND...   fails at once when a process we started is gone
  local what=$1 pid; shift
  for _ in $(seq 1200); do
    "$@" > /dev/null 2>&1 && return 0
    for pid in *.pid; do
      kill -0 "$(cat "$pid")" 2> /dev/null || die "${pid%.pid} exited; see $PWD/${pid%.pid}.log: $(tail -n 1 "${pid%.pid}.log")"
    done
    sleep 0.1
  done
  die "$what did not become ready in 120 s; see $PWD/*.log"
}

api() { curl -fsS --cacert ca.crt --cert admin.crt --key admin.key "${@:2}" "https://127.0.0.1:$port$1"; }  # api PATH [curl arguments]
node_is_ready() { api /api/v1/nodes/node-0 | grep -q KubeletReady; }

up() {
  local dir bin=$2 rbac=${RBAC:-$root/examples/rbac/sluice-rbac.yaml}
  dir=$(realpath -m "$1") port=${3:-16443}
  mkdir -p "$dir"; cd "$dir"
  [ -e kube-apiserver.pid ] && kill -0 "$(cat kube-apiserver.pid)" 2> /dev/null && die "already running in $dir"
  rm -rf etcd certs audit.log http ./*.pid; mkdir certs

  openssl ecparam -name prime256v1 -genkey -noout -out ca.key 2> /dev/null
  openssl req -x509 -new -key ca.key -subj /CN=testbed-ca -days 30 -out ca.crt 2> /dev/null
  key_and_cert apiserver /CN=kube-apiserver $'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth'
  key_and_cert admin /O=system:masters/CN=admin
  openssl genrsa -out sa.key 2048 2> /dev/null; openssl rsa -in sa.key -pubout -out sa.pub 2> /dev/null
  kubeconfig admin "client-certificate-data: $(base64 -w0 < admin.crt), client-key-data: $(base64 -w0 < admin.key)" > admin.kubeconfig

  local etcd="http://127.0.0.1:$((port+1))" peer="http://127.0.0.1:$((port+2))"
  start etcd "$bin/etcd" --data-dir etcd --unsafe-no-fsync=true --log-level warn \
    --listen-client-urls "$etcd" --advertise-client-urls "$etcd" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "default=$peer"
  wait_for etcd curl -fsS "$etcd/health"

  # --advertise-address: it cannot be guessed where there is no default route.
  # shellcheck disable=SC2086
  start kube-apiserver "$bin/kube-apiserver" --etcd-servers "$etcd" \
    --bind-address 127.0.0.1 --advertise-address 127.0.0.1 --secure-port "$port" --endpoint-reconciler-type none \
    --tls-cert-file apiserver.crt --tls-private-key-file apiserver.key --cert-dir certs --client-ca-file ca.crt \
    --authorization-mode RBAC --allow-privileged --service-cluster-ip-range 10.0.0.0/16 \
    --service-account-issuer "https://127.0.0.1:$port" --service-account-key-file sa.pub --service-account-signing-key-file sa.key \
    --audit-policy-file "$here/audit-policy.yaml" --audit-log-path "$dir/audit.log" ${APISERVER_FLAGS:-}
  wait_for kube-apiserver api /readyz

  start kube-controller-manager "$bin/kube-controller-manager" --kubeconfig admin.kubeconfig --leader-elect=false \
    --service-account-private-key-file sa.key --root-ca-file ca.crt --bind-address 127.0.0.1 --secure-port "$((port+3))" \
    --cert-dir certs --kube-api-qps 500 --kube-api-burst 1000
  start kube-scheduler "$bin/kube-scheduler" --kubeconfig admin.kubeconfig --leader-elect=false \
    --bind-address 127.0.0.1 --secure-port "$((port+4))" --cert-dir certs --kube-api-qps 500 --kube-api-burst 1000
  start kwok "$bin/kwok" --kubeconfig admin.kubeconfig --manage-all-nodes=true --node-lease-duration-seconds 40 \
    --config "${STAGES:-$here/stages.yaml}" --server-address "127.0.0.1:$((port+5))"
  # The labels: without them many real manifests never schedule.
  "$bin/kubectl" --kubeconfig admin.kubeconfig apply -f - > /dev/null <<'K'
apiVersion: v1
kind: Node
metadata:
  name: node-0
  labels: {kubernetes.io/hostname: node-0, kubernetes.io/os: linux, kubernetes.io/arch: amd64, beta.kubernetes.io/os: linux, beta.kubernetes.io/arch: amd64, type: kwok}
status:
  capacity: {cpu: "1000", memory: 1Ti, pods: "10000", ephemeral-storage: 1Ti}
  allocatable: {cpu: "1000", memory: 1Ti, pods: "10000", ephemeral-storage: 1Ti}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: testbed, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: sluice.dev/testbed
reclaimPolicy: Retain
K
  service_accounts "$rbac"
  wait_for "node-0" node_is_ready
  wait_for "default service account" api /api/v1/namespaces/default/serviceaccounts/default
  start http-front /usr/bin/python3 "$here/http_front.py" --port "$((port+6))" --api "https://127.0.0.1:$port" \
    --ca ca.crt --cert admin.crt --key admin.key
  wait_for "HTTP front" curl -fsS "http://127.0.0.1:$((port+6))/"
  echo "http://127.0.0.1:$((port+6))" > http
  echo "ready: KUBECONFIG=$dir/kubeconfig"
}

down() {  # the state is disposable: no graceful end, kube-apiserver's takes a minute once etcd is gone
  cd "$1"
  local pidfile pid
  for pidfile in *.pid; do
    [ -e "$pidfile" ] || continue
    pid=$(cat "$pidfile")
    kill -KILL "$pid" 2> /dev/null || true
    while kill -0 "$pid" 2> /dev/null; do sleep 0.05; done
    rm -f "$pidfile"
  done
}

case "${1:-}" in
  up) [ $# -ge 3 ] || die "usage: up DIR BIN [PORT]"; up "$2" "$(realpath "$3")" "${4:-}" ;;
  down) [ $# -eq 2 ] || die "usage: down DIR"; down "$2" ;;
  *) sed -n '2,17p' "$0"; exit 2 ;;
esac

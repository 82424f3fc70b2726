#!/usr/bin/env bash
# Makes the certificate by which node agents know the scheduler, and puts it into the cluster.
#
#   configs/kubernetes/make-agent-tls.sh FOLDER [--apply] [--context NAME] [--namespace NAME]
#
# FOLDER keeps the authority (ca.crt, ca.key) and the certificate (tls.crt, tls.key). An authority
# that is there already is used again: run it once more to renew the certificate, which replicas take
# up within two minutes and agents do not notice. Keep ca.key where only you can read it; without
# --apply nothing leaves the folder, and what would be sent is printed.
set -euo pipefail

days=90
authority_days=3650
service=isochrone-telemetry
namespace=kube-system
folder=
apply=
kubectl=(kubectl)

fail() {
  echo "make-agent-tls.sh: $*" >&2
  exit 2
}

while [ $# -gt 0 ]; do
  case $1 in
    --apply) apply=yes ;;
    --context | --namespace)
      [ $# -gt 1 ] || fail "$1 needs a value"
      if [ "$1" = --context ]; then kubectl+=(--context "$2"); else namespace=$2; fi
      shift
      ;;
    -h | --help)
      sed -n '2,10s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    -*) fail "there is no option $1; see --help" ;;
    *)
      [ -z "$folder" ] || fail "give one folder; $folder and $1 are two"
      folder=$1
      ;;
  esac
  shift
done
[ -n "$folder" ] || fail "name a folder for the certificates, which only you can read"
command -v openssl > /dev/null || fail "openssl is not installed"
[ -z "$apply" ] || command -v kubectl > /dev/null || fail "kubectl is not installed"

umask 077 # keys are nobody else's
mkdir -p "$folder" || fail "$folder cannot be made"
folder=$(cd "$folder" && pwd)
name=$service.$namespace.svc

if [ ! -e "$folder/ca.key" ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 \
    -days "$authority_days" -subj "/CN=$service authority" \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" \
    -addext "keyUsage=critical,keyCertSign" \
    -keyout "$folder/ca.key" -out "$folder/ca.crt" 2> "$folder/.said" ||
    fail "openssl makes no authority: $(tail -n 1 "$folder/.said")"
fi
[ -e "$folder/ca.crt" ] || fail "$folder has a ca.key and no ca.crt; put it there or remove both"

# The new pair is made beside the old one: half of one is never where it could be used.
cat > "$folder/.names" << NAMES
subjectAltName=DNS:$name,DNS:$name.cluster.local,DNS:$service.$namespace,DNS:$service
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
NAMES
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -subj "/CN=$name" \
  -keyout "$folder/.new.key" -out "$folder/.new.csr" 2> "$folder/.said" &&
  openssl x509 -req -sha256 -days "$days" -in "$folder/.new.csr" -extfile "$folder/.names" \
    -CA "$folder/ca.crt" -CAkey "$folder/ca.key" -set_serial "0x$(openssl rand -hex 16)" \
    -out "$folder/.new.crt" 2> "$folder/.said" ||
  fail "openssl makes no certificate: $(tail -n 1 "$folder/.said")"
openssl verify -CAfile "$folder/ca.crt" "$folder/.new.crt" > "$folder/.said" 2>&1 ||
  fail "$folder/ca.crt does not vouch for what ca.key signs; put the right one there or remove both"
mv "$folder/.new.key" "$folder/tls.key"
mv "$folder/.new.crt" "$folder/tls.crt"
rm -f "$folder/.new.csr" "$folder/.names" "$folder/.said"
echo "$folder/tls.crt: $name, for $days days" >&2

objects() {
  cat << OBJECTS
apiVersion: v1
kind: Secret
type: kubernetes.io/tls
metadata:
  name: isochrone-telemetry-tls
  namespace: $namespace
data:
  tls.crt: $(openssl base64 -A -in "$folder/tls.crt")
  tls.key: $(openssl base64 -A -in "$folder/tls.key")
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: isochrone-telemetry-ca
  namespace: $namespace
data:
  ca.crt: |
$(sed 's/^/    /' "$folder/ca.crt")
OBJECTS
}

if [ -n "$apply" ]; then
  objects | "${kubectl[@]}" apply --server-side --force-conflicts --filename=-
else
  objects
fi

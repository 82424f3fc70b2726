#!/usr/bin/env bash
# Builds the oracle from the Go module proxy into the cache that the control plane is in. Its name has
# the hash of its sources, so a changed oracle is built anew, and older ones are deleted. It takes its
# name only when it is whole. With --where it builds nothing, and prints the program's path.
set -euo pipefail
from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"

KUBERNETES=$(awk '$1 == "k8s.io/kubernetes" { print $2 }' go.mod)

cache=${ISOCHRONE_CACHE:-${XDG_CACHE_HOME:-${HOME:?"build.sh: set HOME, or ISOCHRONE_CACHE"}/.cache}/isochrone}
case $cache in /*) ;; *) cache=$from/$cache ;; esac
bin=$cache/parity/$KUBERNETES
oracle=$bin/oracle-$(LC_ALL=C sha256sum -- *.go go.mod go.sum | sha256sum | cut -c1-16)
if [[ ${1:-} == --where ]]; then
  echo "$oracle"
  exit
fi

if [[ ! -x $oracle ]]; then
  command -v go >/dev/null || {
    echo "build.sh: the oracle is built with Go 1.26 or newer, and there is no go on the PATH." \
      "Install it (go.dev/doc/install), then run build.sh again." >&2
    exit 1
  }
  GOWORK=off go list -m >/dev/null || {
    echo "build.sh: the oracle is built with Go 1.26 or newer, and $(command -v go) is not." \
      "Install a newer one (go.dev/doc/install), then run build.sh again." >&2
    exit 1
  }
  echo "building the oracle over Kubernetes $KUBERNETES; the first time takes about four minutes on two cores"
  mkdir -p "$bin"
  find "$bin" -name '.*.??????' -mmin +120 -delete # left by builds that were killed
  made=$(mktemp "$bin/.oracle.XXXXXX")
  trap 'rm -f "$made"' EXIT
  # NodeDeclaredFeatures compares the version with the versions of features.
  # A workspace file, or flags of the user's own, must not choose other modules than go.sum has.
  CGO_ENABLED=0 GOWORK=off GOFLAGS=-buildvcs=false go build -mod=readonly -trimpath \
    -ldflags "-X k8s.io/component-base/version.gitVersion=$KUBERNETES
              -X k8s.io/component-base/version.gitMajor=$(cut -d. -f1 <<<"${KUBERNETES#v}")
              -X k8s.io/component-base/version.gitMinor=$(cut -d. -f2 <<<"$KUBERNETES")" \
    -o "$made" . || {
    echo "build.sh: the oracle could not be built; go says why above." >&2
    exit 1
  }
  chmod 755 "$made"
  mv -f "$made" "$oracle"
  trap - EXIT
  find "$bin" -name 'oracle-*' ! -path "$oracle" -delete # of older sources
fi
echo "The oracle over Kubernetes $KUBERNETES is $oracle"

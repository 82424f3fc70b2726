#!/usr/bin/env bash
# Builds etcd and the Kubernetes programs that the e2e tests run, from the Go module proxy into a
# cache outside the repository. What is there already at the right version is not built again; a
# program takes its name only when it is whole, so an interrupted build is taken up where it ended.
# With --where it builds nothing, and prints the folder.
set -euo pipefail
from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"

version_of() { awk -v module="$2" '{ sub(/^require /, "") } $1 == module { print $2 }' "$1/go.mod"; }
KUBERNETES=$(version_of kubernetes k8s.io/kubernetes)
PROGRAMS="kube-apiserver kube-controller-manager kube-scheduler kubectl"
ETCD=$(version_of etcd go.etcd.io/etcd/server/v3)

cache=${ISOCHRONE_CACHE:-${XDG_CACHE_HOME:-${HOME:?"make control-plane: set HOME, or ISOCHRONE_CACHE"}/.cache}/isochrone}
case $cache in /*) ;; *) cache=$from/$cache ;; esac
bin=$cache/control-plane/$KUBERNETES/bin
if [[ ${1:-} == --where ]]; then
  echo "$bin"
  exit
fi

is_built() { # program, version
  local asks=(--version)
  if [[ $1 == kubectl ]]; then asks=(version --client); fi
  # All it says first: grep would stop reading at a match, and the program fail on a closed pipe.
  [[ -x $bin/$1 ]] && grep -qE "(^| )v?${2#v}\$" <<<"$("$bin/$1" "${asks[@]}" 2>/dev/null)"
}

build() { # program, version, folder of its go.mod, package
  local program=$1 version=$2 module=$3 package=$4 started=$SECONDS
  if is_built "$program" "$version"; then return; fi
  echo "building $program $version"
  made=$(mktemp "$bin/.$program.XXXXXX")
  trap 'rm -f "$made"' EXIT
  # Without the -X flags /version would answer with a placeholder, and clients read it.
  # A workspace file, or flags of the user's own, must not choose other modules than go.sum has.
  (cd "$module" && CGO_ENABLED=0 GOWORK=off GOFLAGS=-buildvcs=false go build -mod=readonly -trimpath \
    -ldflags "-X k8s.io/component-base/version.gitVersion=$version
              -X k8s.io/component-base/version.gitMajor=$(cut -d. -f1 <<<"${version#v}")
              -X k8s.io/component-base/version.gitMinor=$(cut -d. -f2 <<<"$version")" \
    -o "$made" "$package") || {
    echo "make: $program $version could not be built; go says why above. Then run make control-plane" \
      "again: what is built already is kept." >&2
    exit 1
  }
  chmod 755 "$made"
  mv -f "$made" "$bin/$program"
  trap - EXIT
  is_built "$program" "$version" || {
    echo "make: $bin/$program was built, but does not say that it is $version." >&2
    exit 1
  }
  echo "  took $((SECONDS - started)) s"
}

all_built() {
  local program
  is_built etcd "$ETCD" || return
  for program in $PROGRAMS; do
    is_built "$program" "$KUBERNETES" || return
  done
}

if ! all_built; then
  command -v go >/dev/null || {
    echo "make: the control plane is built with Go 1.26 or newer, and there is no go on the PATH." \
      "Install it (go.dev/doc/install), then run make control-plane again." >&2
    exit 1
  }
  (cd kubernetes && GOWORK=off go list -m >/dev/null) || {
    echo "make: the control plane is built with Go 1.26 or newer, and $(command -v go) is not." \
      "Install a newer one (go.dev/doc/install), then run make control-plane again." >&2
    exit 1
  }
  echo "The first build takes about ten minutes on two cores; it needs 1 GB of modules and 4 GB of build cache."
  mkdir -p "$bin"
  find "$bin" -name '.*.??????' -mmin +120 -delete # left by builds that were killed
  build etcd "$ETCD" etcd go.etcd.io/etcd/server/v3
  for program in $PROGRAMS; do
    build "$program" "$KUBERNETES" kubernetes "k8s.io/kubernetes/cmd/$program"
  done
fi
echo "Kubernetes $KUBERNETES and etcd $ETCD are in $bin"

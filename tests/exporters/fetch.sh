#!/usr/bin/env bash
# Fetches Prometheus and two exporters, as Debian packages them, into a cache outside the repository.
# They are unpacked and not installed: an installed one starts a service on its well-known port.
# With --where it fetches nothing, and prints the folder of the programs.
set -euo pipefail
from=$PWD

PACKAGES="prometheus prometheus-blackbox-exporter prometheus-smokeping-prober"

cache=${ISOCHRONE_CACHE:-${XDG_CACHE_HOME:-${HOME:?"make exporters: set HOME, or ISOCHRONE_CACHE"}/.cache}/isochrone}
case $cache in /*) ;; *) cache=$from/$cache ;; esac
root=$cache/exporters
bin=$root/usr/bin
if [[ ${1:-} == --where ]]; then
  echo "$bin"
  exit
fi

lacking=
for package in $PACKAGES; do
  if ! "$bin/$package" --version >/dev/null 2>&1; then lacking+=" $package"; fi
done
if [[ -z $lacking ]]; then
  echo "Prometheus and its exporters are in $bin"
  exit
fi
for program in apt-get dpkg; do
  command -v "$program" >/dev/null || {
    echo "make: Prometheus and its exporters come from Debian's packages, and there is no $program" \
      "here. Put prometheus, prometheus-blackbox-exporter and prometheus-smokeping-prober into $bin." >&2
    exit 1
  }
done
mkdir -p "$root"
fetched=$(mktemp -d "$root/.fetched.XXXXXX")
trap 'rm -rf "$fetched"' EXIT
# apt gives up its rights for the download where it can: the folder must not be ours alone.
chmod 755 "$fetched"
cd "$fetched"
for package in $lacking; do
  apt-get download -qq "$package" 2>"$fetched/said" || { # a fresh machine has no lists yet
    [[ $(id -u) -eq 0 ]] && apt-get update -qq && apt-get download -qq "$package" 2>"$fetched/said"
  } || {
    cat "$fetched/said" >&2
    echo "make: $package could not be fetched; apt-get says why above (sudo apt-get update may help)." >&2
    exit 1
  }
  dpkg -x "$package"_*.deb "$root"
done
for package in $lacking; do
  "$bin/$package" --version >/dev/null 2>&1 || {
    echo "make: $bin/$package was fetched, and does not run here." >&2
    exit 1
  }
done
echo "Prometheus and its exporters are in $bin"

#!/usr/bin/env bash
# Isochrone in a cluster, from nothing to pods that are placed by round-trip time.
set -euo pipefail

usage() {
  cat <<'END'
Installs Isochrone into the cluster kubectl points at, and starts the demo deployments.
May be run again: what is there already is brought up to date.

  demo/start-custom-scheduler.sh [options]

  --matrix F      round-trip times between the nodes: text in ms, .csv, .json or .npz
  --metadata F    names of the matrix's rows, JSON {node: row}
  --context NAME  of the kubeconfig; else its current one
  --no-demo       the scheduler alone
  --no-wait       do not wait until it is ready
  --dry-run       print what would be done, and do nothing
  --delete        take all of it away again

  IMAGE=registry.example/isochrone:0.1.0 demo/start-custom-scheduler.sh …
                  an image your nodes can pull. Without it the image is built here (docker or
                  podman) and loaded into the cluster, which works for kind and minikube.

Without --matrix the scheduler places what needs no delay; the others wait and say why.
END
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
manifests=$here/configs/kubernetes
system=kube-system
demo=isochrone-demo
wait_s=180

matrix='' metadata='' context='' with_demo=1 with_wait=1 dry=0 delete=0

say() { printf '\n== %s\n' "$*"; }
fail() {
  printf 'error: %s\n' "$*" >&2
  exit 2
}

# Runs a command, or only prints it.
run() {
  printf '+ %s\n' "$(printf '%q ' "$@")"
  if [ "$dry" -eq 0 ]; then "$@"; fi
}

need_value() {
  if [ $# -lt 2 ] || [ -z "$2" ]; then fail "$1 needs a value; see --help"; fi
}

while [ $# -gt 0 ]; do
  case $1 in
    --matrix)
      need_value "$@"
      matrix=$2
      shift 2
      ;;
    --metadata)
      need_value "$@"
      metadata=$2
      shift 2
      ;;
    --context)
      need_value "$@"
      context=$2
      shift 2
      ;;
    --no-demo)
      with_demo=0
      shift
      ;;
    --no-wait)
      with_wait=0
      shift
      ;;
    --dry-run)
      dry=1
      shift
      ;;
    --delete)
      delete=1
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) fail "there is no option $1; see --help" ;;
  esac
done
if [ -n "$metadata" ] && [ -z "$matrix" ]; then fail "--metadata names no matrix; give --matrix too"; fi
for file in "$matrix" "$metadata"; do
  if [ -n "$file" ] && [ ! -r "$file" ]; then fail "$file: cannot be read"; fi
done

kube=(kubectl)
if [ -n "$context" ]; then kube+=(--context "$context"); fi
if [ "$dry" -eq 0 ] && ! command -v kubectl >/dev/null; then
  fail "kubectl is not installed; see https://kubernetes.io/docs/tasks/tools/"
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The container engine, or nothing.
engine() { command -v docker || command -v podman || true; }

check_cluster() {
  say "the cluster"
  run "${kube[@]}" version || fail "the cluster does not answer; kubectl config get-contexts lists others"
  # What is missing here would only show later, in the middle.
  run "${kube[@]}" auth can-i create clusterroles --all-namespaces ||
    fail "this account may not install a scheduler; use an administrator's: --context NAME"
}

take_away() {
  say "taking it away"
  run "${kube[@]}" delete namespace "$demo" --ignore-not-found
  run "${kube[@]}" delete --ignore-not-found -f "$manifests/deployment.yaml" \
    -f "$manifests/configmap.yaml" -f "$manifests/rbac.yaml"
  run "${kube[@]}" --namespace "$system" delete configmap isochrone-matrix --ignore-not-found
  run "${kube[@]}" --namespace "$system" delete lease isochrone --ignore-not-found
}

shipped_image() { sed -n 's/^ *image: *\([^ ]*\).*/\1/p' "$manifests/deployment.yaml" | head -n 1; }

provide_image() {
  local found name
  image=${IMAGE:-}
  if [ -n "$image" ]; then
    say "the image: $image, as given"
    return
  fi
  image=$(shipped_image)
  say "the image: built here, as $image"
  found=$(engine)
  if [ -z "$found" ]; then
    if [ "$dry" -eq 0 ]; then
      fail "neither docker nor podman is installed; give IMAGE=… that your nodes can pull"
    fi
    found=docker
  fi
  name=$context
  if [ -z "$name" ] && [ "$dry" -eq 0 ]; then name=$("${kube[@]}" config current-context); fi
  # Asked before it is built: another cluster's nodes cannot see what lies on this machine.
  case $name in
    kind-*) load=(kind load docker-image "$image" --name "${name#kind-}") ;;
    minikube) load=(minikube image load "$image") ;;
    '') load=(echo "load $image into the cluster: kind load, or minikube image load") ;;
    *) fail "the nodes of $name cannot pull an image from here: build it, push it, and give IMAGE=registry/…" ;;
  esac
  run "$found" build --tag "$image" "$here"
  run "${load[@]}"
}

# Writes the matrix in the form that fits a ConfigMap, by this checkout or by the image.
pack_matrix() {
  local python=$here/.venv/bin/python found args=(topology --output npz --delay-matrix)
  if [ ! -x "$python" ]; then python=python3; fi
  if (cd "$here" && "$python" -c 'import commands.topology') >/dev/null 2>&1; then
    args+=("$matrix")
    if [ -n "$metadata" ]; then args+=(--metadata "$metadata"); fi
    "$python" "$here/main.py" "${args[@]}" >"$scratch/matrix.npz"
    return
  fi
  found=$(engine)
  if [ -z "$found" ]; then fail "the matrix cannot be packed: run make run once, or install docker"; fi
  # Names keep their suffix, which tells the form.
  mkdir "$scratch/in"
  cp "$matrix" "$scratch/in/$(basename "$matrix")"
  args+=("/in/$(basename "$matrix")")
  if [ -n "$metadata" ]; then
    cp "$metadata" "$scratch/in/rows-$(basename "$metadata")"
    args+=(--metadata "/in/rows-$(basename "$metadata")")
  fi
  chmod -R a+rX "$scratch"
  "$found" run --rm --volume "$scratch/in:/in:ro" "$image" "${args[@]}" >"$scratch/matrix.npz"
}

install_matrix() {
  if [ -z "$matrix" ]; then
    say "no --matrix: pods that ask for a delay will wait until there is one"
    return
  fi
  say "the round-trip times: $matrix, into the ConfigMap isochrone-matrix"
  if [ "$dry" -eq 1 ]; then
    printf '+ main.py topology --output npz --delay-matrix %q > matrix.npz\n' "$matrix"
  else
    pack_matrix
    "${kube[@]}" --namespace "$system" create configmap isochrone-matrix --dry-run=client \
      --from-file=matrix.npz="$scratch/matrix.npz" --output yaml >"$scratch/matrix.yaml"
  fi
  # On the server's side: kubectl's own way keeps a copy in an annotation, which ends at 256 KiB.
  run "${kube[@]}" apply --server-side --force-conflicts --field-manager isochrone-demo \
    -f "$scratch/matrix.yaml"
}

install_scheduler() {
  say "the scheduler: rights, settings, two replicas of $image"
  awk -v image="$image" '
    /^ *image: / && !done { sub(/image: .*/, "image: " image); done = 1 }
    { print }' "$manifests/deployment.yaml" >"$scratch/deployment.yaml"
  run "${kube[@]}" apply -f "$manifests/rbac.yaml" -f "$manifests/configmap.yaml"
  run "${kube[@]}" apply -f "$scratch/deployment.yaml"
  if [ "$with_wait" -eq 1 ]; then
    run "${kube[@]}" --namespace "$system" rollout status deployment isochrone --timeout "${wait_s}s" || {
      printf 'error: it is not ready after %s s; this says why:\n' "$wait_s" >&2
      printf '  kubectl -n %s describe pods -l app.kubernetes.io/name=isochrone\n' "$system" >&2
      exit 1
    }
  fi
}

# The demos name nodes edge-1 to edge-9: where the cluster has no such nodes, its own stand for them.
name_nodes() {
  local nodes=() count=0 node k file
  if [ "$dry" -eq 1 ]; then
    printf '# edge-1 to edge-9 in the demos stand for the nodes of the cluster\n'
  elif ! "${kube[@]}" get node edge-1 >/dev/null 2>&1; then
    while IFS= read -r node; do nodes+=("$node"); done < <(
      "${kube[@]}" get nodes --output 'jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}'
    )
    count=${#nodes[@]}
    if [ "$count" -lt 2 ]; then fail "the demos need two nodes; give --no-demo"; fi
    printf 'in the demos, edge-1 is %s, and edge-9 %s\n' "${nodes[0]}" "${nodes[$((count < 9 ? count - 1 : 8))]}"
  fi
  mkdir "$scratch/demo"
  cp "$here"/demo/deployments/*.yaml "$scratch/demo/"
  if [ "$count" -eq 0 ]; then return; fi
  rm -f "$scratch/demo/07-long-name.yaml" # about a node of that very name
  for k in 1 2 3 4 5 6 7 8 9; do
    node=${nodes[$((k < count ? k - 1 : count - 1))]}
    if [ "${#node}" -gt 57 ]; then fail "$node: too long for a label; see docs/delays.md, and give --no-demo"; fi
    # In two steps, or a node that is called edge-2 itself would be replaced again.
    for file in "$scratch"/demo/*.yaml; do
      sed -e "s|\(delay_\)edge-$k\"*:|\1@@$k@@:|g" -e "s|\(node/\)edge-$k\([,.]\)|\1@@$k@@\2|g" \
        "$file" >"$file.new"
      mv "$file.new" "$file"
    done
  done
  for k in 1 2 3 4 5 6 7 8 9; do
    node=${nodes[$((k < count ? k - 1 : count - 1))]}
    for file in "$scratch"/demo/*.yaml; do
      sed "s|@@$k@@|$node|g" "$file" >"$file.new"
      mv "$file.new" "$file"
    done
  done
}

start_demo() {
  if [ "$with_demo" -eq 0 ]; then return; fi
  say "the demo deployments, into the namespace $demo"
  name_nodes
  cat >"$scratch/namespace.yaml" <<END
apiVersion: v1
kind: Namespace
metadata: {name: $demo}
END
  run "${kube[@]}" apply -f "$scratch/namespace.yaml"
  if ! run "${kube[@]}" --namespace "$demo" apply -f "$scratch/demo"; then
    printf 'What was refused is named above; the delay-label policy, where installed, refuses 09-bad-value.\n'
  fi
}

show_how_to_look() {
  say "how to look"
  cat <<END
  kubectl -n $demo get pods -o wide                       # where they are
  kubectl -n $demo get events --field-selector reason=FailedScheduling   # why one waits
  kubectl -n $demo get pods -o custom-columns='NAME:.metadata.name,NODE:.spec.nodeName,RTT:.metadata.annotations.isochrone\\.dev/rtt'
  kubectl -n $system port-forward deploy/isochrone 10251   # then http://127.0.0.1:10251
  kubectl -n $system logs -l app.kubernetes.io/name=isochrone
Some demos must wait: their pods carry demo.isochrone.dev/expect: pending. Where your nodes are farther
from each other than the demo's, others may wait too.
END
}

if [ "$delete" -eq 1 ]; then
  take_away
  exit 0
fi
check_cluster
provide_image
install_matrix
install_scheduler
start_demo
show_how_to_look

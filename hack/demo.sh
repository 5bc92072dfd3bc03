#!/usr/bin/env bash
# Shows what the function makes of examples/asm-ports: the difference between
# what kustomize builds from the manifests alone and with the function.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

.cache/bin/kustomize build examples/asm-ports/base >"$work/without"
.cache/bin/kustomize build --enable-alpha-plugins --enable-exec examples/asm-ports >"$work/with"

difference() {
  diff --unified --color="$1" \
    --label 'kustomize build examples/asm-ports/base' \
    --label 'kustomize build --enable-alpha-plugins --enable-exec examples/asm-ports' \
    "$work/without" "$work/with"
}

status=0
difference never >"$work/difference" || status=$?
case $status in
  1) ;; # they differ, as they should
  0) echo "the function changed nothing in examples/asm-ports: it did not run, or it is broken" >&2 && exit 1 ;;
  *) exit "$status" ;;
esac

# added prints the first line of the difference that adds what is given.
added() {
  grep --max-count=1 -- "^+ *\(- \)\?$1" "$work/difference" | sed 's|^+ *|  |; s|^  - |  |'
}

cat <<'TEXT'
examples/asm-ports/bypass.yaml says which ports and addresses bypass the sidecar.
For the Deployment orders that comes to three lines: ports that callers reach past the
sidecar, ports that stay with it, and a network that calls reach past it.

TEXT
added traffic.sidecar.istio.io/excludeInboundPorts
added traffic.sidecar.istio.io/includeOutboundPorts
added --exclude-outbound-ip-ranges
cat <<'TEXT'

The first two are Istio's annotations. The third is for the init container, because Istio
has no annotation for it beside the second. The whole difference:

TEXT
color=never
[[ -t 1 ]] && color=always
difference "$color" || true

cat <<'TEXT'

The function changed nothing else. Two workloads differ from the others:
  reports   its own annotation, 9090, overrides the namespace's list
  nightly   is in another namespace: only the global range reaches it

Your own manifests, in a folder of yours:
  export PATH="$PWD/bin:$PWD/.cache/bin:$PATH"
  krm-bypass init my-manifests
It writes a spec, shows what else has to change, and prints the commands to run next.
docs/tutorial.md goes through it, step by step.
TEXT

#!/usr/bin/env bash
# Shows what the function makes of examples/asm-ports: the difference between
# what kustomize builds from the manifests alone and with the function.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

.cache/bin/kustomize build examples/asm-ports/base >"$work/without"
.cache/bin/kustomize build --enable-alpha-plugins --enable-exec examples/asm-ports >"$work/with"

color=never
[[ -t 1 ]] && color=always

status=0
diff --unified --color=$color \
  --label 'kustomize build examples/asm-ports/base' \
  --label 'kustomize build --enable-alpha-plugins --enable-exec examples/asm-ports' \
  "$work/without" "$work/with" || status=$?
case $status in
  1) ;; # they differ, as they should
  0) echo "the function changed nothing in examples/asm-ports: it did not run, or it is broken" >&2 && exit 1 ;;
  *) exit "$status" ;;
esac

cat <<'TEXT'

That is all that the function changed, from one file: examples/asm-ports/bypass.yaml.
What to look at:
  orders, ledger  inbound 7001, 7002, 7005 bypass the sidecar, outbound to them does not (Istio annotations)
  reports         its own annotation, 9090, overrides the namespace's inbound list
  nightly         a CronJob in another namespace: only the global range 192.0.2.0/24
  initContainers  krm-bypass-init enforces the same in the pod's kernel, and the range beside the
                  included ports, which Istio's annotations cannot say
  Service         not a byte of it changed
Next: make test, and examples/README.md for the other examples.
TEXT

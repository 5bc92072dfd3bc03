#!/usr/bin/env bash
# Fails unless the go command is one that can build this module.
set -euo pipefail
cd "$(dirname "$0")/.."

wanted=$(sed -n 's/^go //p' go.mod)

if ! command -v go >/dev/null; then
  echo "missing: Go $wanted or later (https://go.dev/doc/install), with its bin folder in PATH" >&2
  exit 1
fi

# An older go command may fetch the toolchain that go.mod asks for, or say why it cannot.
version=$(go env GOVERSION)
version=${version#go}
if [[ $(printf '%s\n' "$wanted" "$version" | sort -V | head -n 1) != "$wanted" ]]; then
  echo "missing: Go $wanted or later; $(command -v go) is $version (https://go.dev/doc/install)" >&2
  exit 1
fi

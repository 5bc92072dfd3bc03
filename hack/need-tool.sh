#!/usr/bin/env bash
# need-tool.sh NAME: installs the Go tool of hack/tools.txt to .cache/bin unless
# it is there in the version that the list names, or says why it cannot.
set -euo pipefail
cd "$(dirname "$0")/.."

name=$1
read -r package version < <(awk -v name="$name" '$1 == name { print $2, $3 }' hack/tools.txt) || {
  echo "unknown tool $name: hack/tools.txt does not list it" >&2
  exit 1
}

bin=$PWD/.cache/bin
# The version that the go command stamped into the binary.
installed=$(go version -m "$bin/$name" 2>/dev/null | awk '$1 == "mod" { print $3 }') || true
[[ $installed == "$version" ]] && exit 0

echo "installing $name $version (once; it takes a minute or two)"
mkdir -p "$bin" .cache/log
log=.cache/log/$name.log
# By way of a folder of its own: two versions of one program have one name there.
fresh=$(mktemp -d "$bin/.$name.XXXXXX")
trap 'rm -rf "$fresh"' EXIT
if CGO_ENABLED=0 GOFLAGS='' GOBIN=$fresh go install -trimpath "$package@$version" </dev/null >"$log" 2>&1; then
  mv "$fresh"/* "$bin/$name"
else
  grep -v '^go: downloading' "$log" | tail -n 5 >&2 || true
  {
    echo "missing: $name $version in .cache/bin, and go install could not put it there (all it said: $log)."
    echo "With a network: GOBIN=$bin go install $package@$version"
  } >&2
  exit 1
fi

#!/usr/bin/env bash
# need-packages.sh GROUP...: installs the Debian packages of these groups of
# hack/packages.txt whose commands are missing, or says which ones they are and
# fails.
set -euo pipefail
cd "$(dirname "$0")/.."

# Where an ordinary user's PATH on Debian does not reach.
PATH=$PATH:/usr/sbin:/sbin

missing=()
while read -r group package command _; do
  [[ -z $group || $group == '#'* || " $* " != *" $group "* ]] && continue
  command -v "$command" >/dev/null || missing+=("$package")
done <hack/packages.txt
[[ ${#missing[@]} -eq 0 ]] && exit 0

give_up() {
  {
    echo "missing: ${missing[*]} (Debian packages), and $1."
    echo "As root: apt-get update && apt-get install --no-install-recommends ${missing[*]}"
  } >&2
  exit 1
}

command -v apt-get >/dev/null || give_up "this machine has no apt-get to install them with"

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  as_root=(sudo -n)
  "${as_root[@]}" true 2>/dev/null || give_up "only root may install them (no sudo without a password here)"
fi

log=.cache/log/packages.log
mkdir -p "$(dirname "$log")"
echo "installing ${missing[*]}"
for step in "update" "install -y --no-install-recommends ${missing[*]}"; do
  # shellcheck disable=SC2086 # a step is several words
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get $step </dev/null >>"$log" 2>&1 || {
    tail -n 5 "$log" >&2
    give_up "apt-get could not install them (all it said: $log)"
  }
done

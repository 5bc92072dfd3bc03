#!/usr/bin/env bash
# need-axe.sh: fetches axe-core to .cache/browser unless it is there in the version
# that test/browser/package-lock.json names, with the digest of what may come, or says
# why it cannot.
set -euo pipefail
cd "$(dirname "$0")/.."

into=.cache/browser
fetched=$into/fetched-package-lock.json
cmp -s test/browser/package-lock.json "$fetched" && exit 0

echo "fetching axe-core (once)"
rm -f "$fetched"
mkdir -p "$into" .cache/log
cp test/browser/package.json test/browser/package-lock.json "$into/"
log=.cache/log/axe.log
if npm ci --prefix "$into" --ignore-scripts --no-audit --no-fund </dev/null >"$log" 2>&1; then
  cp test/browser/package-lock.json "$fetched"
else
  tail -n 5 "$log" >&2 || true
  echo "missing: axe-core in $into, and npm could not fetch it (all it said: $log)." >&2
  exit 1
fi

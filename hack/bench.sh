#!/usr/bin/env bash
# Measures the function, then the init container, beside their peers, then the page in
# a browser.
set -euo pipefail
cd "$(dirname "$0")/.."

# Where an ordinary user's PATH on Debian does not reach: nft, iptables, ip.
export PATH=$PATH:/usr/sbin:/sbin

# Built, not go run: the go command's memory would count as the benchmark's own.
for what in . ./rules; do
  [[ -d test/bench/$what ]] || continue
  go build -o .cache/bin/bench "./test/bench/$what"
  .cache/bin/bench
  echo
done
go test -C test/browser -count=1 -v -run '^TestMeasure$' -measure "${BENCH_RUNS:-7}" . | grep -E '^page:|FAIL'

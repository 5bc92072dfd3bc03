#!/usr/bin/env bash
# Fuzzes every target of the repository, two at a time: fuzz.sh TIME, such as
# 10s or 5m, for each. Finds the targets by itself. What fails is kept by go test
# in testdata/fuzz of its package, to be committed with what mends it.
set -euo pipefail
cd "$(dirname "$0")/.."

time=${1:-1m}
logs=.cache/fuzz
rm -rf "$logs"
mkdir -p "$logs"

# ended_in_time LOG: whether nothing failed but the end of the time itself, which
# go test before Go 1.27 may take for a failure (golang/go#75804). A target
# that fails, or hangs, has its input written down.
ended_in_time() {
  grep -aqE '^ *context deadline exceeded$' "$1" && ! grep -aqE 'Failing input written|panic:|^ *[a-z_]+_test\.go:' "$1"
}

# one PACKAGE TARGET: fuzzes it and prints one line.
one() {
  local package=$1 target=$2
  local log="$logs/${package//\//-}-$target.log"
  if ! go test "./$package" -run='^$' -fuzz="^$target\$" -fuzztime="$time" -fuzzminimizetime=2s -parallel=1 >"$log" 2>&1 &&
    ! ended_in_time "$log"; then
    echo "fuzz: FAILED $package $target"
    sed 's/^/   | /' "$log" | tail -n 40
    return 1
  fi
  local last
  last=$(grep -a '^fuzz: elapsed' "$log" | tail -n 1)
  echo "fuzz: $package $target: ${last#fuzz: }"
}
export -f one ended_in_time
export time logs

# No module of its own has any of these.
targets() {
  grep -r --include='*_test.go' --exclude-dir=.cache -E '^func Fuzz[A-Za-z0-9]*\(' . |
    sed -E 's#^\./(.*)/[^/]*:func (Fuzz[A-Za-z0-9]*)\(.*#\1 \2#' | sort
}

count=$(targets | wc -l)
[[ $count -gt 0 ]] || { echo "there is no fuzz target" >&2 && exit 1; }
status=0
targets | xargs -P 2 -L 1 bash -c 'one "$@"' one || status=1
echo "fuzz: $count targets, $time each"
exit "$status"

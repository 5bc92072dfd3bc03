#!/usr/bin/env bash
# Fuzzes every target of the repository, two at a time: fuzz.sh TIME, such as
# 10s or 5m, for each; fuzz.sh TIME NAME only those that match the pattern NAME.
# Finds the targets by itself. What fails is kept by go test in testdata/fuzz of its
# package, to be committed with what mends it, and is named in the last lines.
set -euo pipefail
cd "$(dirname "$0")/.."

time=${1:-1m}
name=${2:-.}
logs=.cache/fuzz
rm -rf "$logs"
mkdir -p "$logs"

# ended_in_time LOG: whether nothing failed but the end of the time itself, which
# go test before Go 1.27 may take for a failure (golang/go#75804). A target
# that fails, or hangs, has its input written down.
ended_in_time() {
  grep -aqE '^ *context deadline exceeded$' "$1" && ! grep -aqE 'Failing input written|panic:|^ *[a-z_]+_test\.go:' "$1"
}

# verdict PACKAGE TARGET LOG: says why a target failed, and what of. Its status is 0 only
# where the input is innocent: go test takes a call that is not back after ten seconds
# of the clock for one that hangs, on a machine that is busy elsewhere too, and says
# the same when the system ended its process.
verdict() {
  local package=$1 target=$2 log=$3 input again
  input=$(sed -nE 's#.*(Failing input written to testdata/fuzz/|failure while testing seed corpus entry: )##p' "$log" | head -n 1)
  if [[ -z $input ]]; then
    echo "fuzz: FAILED $package $target: go test ended without an input: $(grep -av '^fuzz: elapsed' "$log" | head -n 1)"
    return 1
  fi
  again=$logs/$(basename "$log" .log)-again.log
  if ! go test "./$package" -run="^$target\$/^${input#*/}\$" -count=3 -timeout=60s -v >"$again" 2>&1; then
    echo "fuzz: FAILED $package $target: $(head -c 600 "$package/testdata/fuzz/$input" 2>/dev/null | tail -n +2 | tr '\n' ' ')fails by itself, too: go test ./$package -run '$target/${input#*/}'"
  elif ! grep -aq 'hung or terminated unexpectedly' "$log"; then
    echo "fuzz: FAILED $package $target: testdata/fuzz/$input failed, and not again in three runs: something in it is left to chance"
  elif grep -aE "^ *--- PASS: $target/.*\(([1-9]|[0-9]{2,})\." "$again"; then
    echo "fuzz: FAILED $package $target: testdata/fuzz/$input takes more than a second"
  else
    mv "$package/testdata/fuzz/$input" "$logs/"
    echo "fuzz: NOT CONFIRMED $package $target: the process ended or took ten seconds, and its input, now $logs/${input#*/}, passed at once in three runs"
    return 0
  fi
  sed 's/^/   | /' "$log" | tail -n 40
  return 1
}

# one PACKAGE TARGET: fuzzes it and prints one line. To make inputs smaller that reach something
# new has a limit in runs: at one in seconds the process is ended and started anew.
one() {
  local package=$1 target=$2
  local log="$logs/${package//\//-}-$target.log"
  if ! go test "./$package" -run='^$' -fuzz="^$target\$" -fuzztime="$time" -fuzzminimizetime=200x -parallel=1 >"$log" 2>&1 &&
    ! ended_in_time "$log"; then
    verdict "$package" "$target" "$log" >"$log.verdict" || { cat "$log.verdict"; return 1; }
    cat "$log.verdict"
  fi
  local last
  last=$(grep -a '^fuzz: elapsed' "$log" | tail -n 1)
  echo "fuzz: $package $target: ${last#fuzz: }"
}
export -f one ended_in_time verdict
export time logs

# No module of its own has any of these.
targets() {
  grep -r --include='*_test.go' --exclude-dir=.cache -E '^func Fuzz[A-Za-z0-9]*\(' . |
    sed -E 's#^\./(.*)/[^/]*:func (Fuzz[A-Za-z0-9]*)\(.*#\1 \2#' | { grep -E -- "$name" || true; } | sort
}

count=$(targets | wc -l)
[[ $count -gt 0 ]] || { echo "there is no fuzz target that matches $name" >&2 && exit 1; }
status=0
targets | xargs -P 2 -L 1 bash -c 'one "$@"' one || status=1
echo "fuzz: $count targets, $time each"
cat "$logs"/*.verdict 2>/dev/null | grep '^fuzz: ' || true
exit "$status"

#!/usr/bin/env bash
# Runs every check of the repository, one stage after the other, and goes on
# after one that fails, so that a run tells all there is to tell.
# Prints go test's closing lines, failures and the end-to-end cases by name;
# all that a stage printed is in .cache/test/STAGE.log.
set -euo pipefail
cd "$(dirname "$0")/.."

# Where an ordinary user's PATH on Debian does not reach: nft, iptables, ip.
export PATH=$PATH:/usr/sbin:/sbin

logs=.cache/test
rm -rf "$logs"
mkdir -p "$logs"
failed=()

# stage NAME TITLE COMMAND...: runs COMMAND, which writes its own log.
stage() {
  local name=$1 title=$2 began=$SECONDS
  shift 2
  echo "== $title"
  "$@" "$logs/$name.log" || failed+=("$title (log: $logs/$name.log)")
  echo "   $((SECONDS - began)) s"
}

# quietly ARGUMENTS... LOG: runs a command and shows what it said only if it fails.
quietly() {
  local log=${!#}
  "${@:1:$#-1}" >"$log" 2>&1 || { cat "$log" && return 1; }
}

unformatted() {
  local files
  files=$(find . -name '*.go' -not -path './.cache/*' -exec gofmt -l {} +)
  [[ -z $files ]] || { echo "not formatted (gofmt -w mends it): $files" && return 1; }
}

# of_failures LOG: what failed tests printed, and what belongs to no test: build
# errors, panics.
of_failures() {
  awk 'NR == FNR { if ($1 == "---" && $2 == "FAIL:") failed[$3]; next }
       FNR == 1 { shown = 1 }
       /^=== / { shown = ($3 in failed); next }
       /^ *--- / { shown = 0; next }
       /^(ok|PASS|FAIL|\?)/ { shown = 1; next }
       shown' "$1" "$1"
}

# go_test SHOWN ARGUMENTS... LOG: go test -v, of whose output only the lines that
# match the pattern SHOWN are printed. A skipped test counts as a failure: it
# would look like a passed one.
go_test() {
  local shown=$1 log=${!#} status=0
  go test -v "${@:2:$#-2}" >"$log" 2>&1 &
  local run=$!
  tail --pid="$run" --lines=+1 --follow "$log" 2>/dev/null |
    grep --line-buffered -E "^(ok|FAIL|panic:)|^ *--- FAIL|$shown" || true
  wait "$run" || status=$?
  if [[ $status -ne 0 ]]; then
    echo "   what went wrong first; all of it is in $log:"
    of_failures "$log" | head -n 40 | cut -c1-300 | sed 's/^/   | /' || true
  fi
  if grep -E '^ *--- SKIP' "$log"; then
    echo "   a skipped test has tested nothing: it has to run or to fail, saying what it misses"
    status=1
  fi
  return "$status"
}

packages() { go list ./... | grep -E "$@"; }

race=(-race)
with="with the race detector"
if [[ $(go env CGO_ENABLED) != 1 ]]; then
  race=()
  with="without the race detector, which needs a C compiler (Debian package gcc, libc6-dev)"
fi

stage gofmt "gofmt" quietly unformatted
stage vet "go vet" quietly go vet ./...

# Pure packages: go test may answer from its cache where nothing changed.
mapfile -t pure < <(packages -v '/test/(e2e|cluster|kustomize|kpt|ways|docs|corpus)(/|$)')
stage unit "unit tests, properties and goldens, $with" go_test '^ok' "${race[@]}" "${pure[@]}"
stage corpus "the corpus of manifests: how many cases of each style hold each property" go_test '^ok|^corpus: ' ./test/corpus/...

# What these execute is not among the inputs that the cache knows: always run.
stage kustomize "the examples through the real kustomize and as kpt renders them, and every command that the documentation shows" \
  go_test '^ok' -count=1 ./test/kustomize/... ./test/kpt/... ./test/ways/... ./test/docs/...
stage cluster "a real kube-apiserver on what the examples and the goldens come to (building it takes minutes the first time)" \
  go_test '^ok|the server takes' -count=1 -timeout=25m ./test/cluster/...
stage e2e "end to end, in network namespaces: document, interceptor, order, family" \
  go_test '^(    )?--- PASS|compared' -count=1 -timeout=25m ./test/e2e/...

count() { cat "$logs"/*.log | grep -cE "^ *--- $1" || true; }

echo
echo "== summary, after $((SECONDS / 60)) min $((SECONDS % 60)) s"
echo "   unit tests, properties, goldens: $(grep -cE '^ *--- PASS' "$logs/unit.log" || true)"
echo "   $(grep -E '^corpus: [0-9]+ cases' "$logs/corpus.log" || echo 'corpus: no cases')"
echo "   kustomize, kpt, documentation:   $(grep -cE '^ *--- PASS' "$logs/kustomize.log" || true)"
echo "   kube-apiserver:                  $(grep -cE '^ *--- PASS' "$logs/cluster.log" || true)"
echo "   end to end:                      $(grep -cE '^ *--- PASS' "$logs/e2e.log" || true)"
echo "   all that they printed:           $logs/"
for what in "${failed[@]}"; do echo "   FAILED: $what"; done
echo "$(count PASS) passed, $(count FAIL) failed"
[[ ${#failed[@]} -eq 0 ]] || exit 1
echo "All checks passed."

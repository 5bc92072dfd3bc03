#!/usr/bin/env bash
# test.sh [STAGE...]: runs every check of the repository, or the stages named, one
# after the other, and goes on after one that fails, so that a run tells all there
# is to tell. Prints go test's closing lines, failures and the end-to-end cases by
# name; all that a stage printed is in .cache/test/STAGE.log.
set -euo pipefail
cd "$(dirname "$0")/.."

# Where an ordinary user's PATH on Debian does not reach: nft, iptables, ip.
export PATH=$PATH:/usr/sbin:/sbin

logs=.cache/test
rm -rf "$logs"
mkdir -p "$logs"
failed=()
wanted=("$@")

# stage NAME TITLE COMMAND...: runs COMMAND, which writes its own log.
stage() {
  local name=$1 title=$2 began=$SECONDS
  shift 2
  [[ ${#wanted[@]} -eq 0 || " ${wanted[*]} " == *" $name "* ]] || return 0
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

# go_test SHOWN ARGUMENTS... LOG: go test ARGUMENTS -v, of whose output only the
# lines that match the pattern SHOWN are printed. A skipped test counts as a
# failure: it would look like a passed one.
go_test() {
  local shown=$1 log=${!#} status=0
  go test "${@:2:$#-2}" -v >"$log" 2>&1 &
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

# shown PATTERN COMMAND... LOG: runs a command, of whose output only the lines
# that match are printed.
shown() {
  local pattern=$1 log=${!#}
  "${@:2:$#-2}" 2>&1 | tee "$log" | grep --line-buffered -E "$pattern"
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
mapfile -t pure < <(packages -v '/test/(e2e|lab|cluster|helm|kustomize|kpt|ways|docs|corpus|hostile|containers)(/|$)|/images/build$')
stage unit "unit tests, properties and goldens, $with" go_test '^ok' "${race[@]}" "${pure[@]}"
stage corpus "the corpus of manifests: how many cases of each style hold each property" go_test '^ok|^corpus: ' ./test/corpus/...
stage hostile "hostile input: bounded memory and work, a clear error, nothing lost" go_test '^ok|^--- PASS' -count=1 -timeout=20m ./test/hostile/...
stage licences "the licences of what is linked in" go_test '^ok' -C test/licences -count=1 ./...
stage reproducible "the programs built twice, in two folders" shown '^reproduced:' hack/reproducible.sh
stage images "the container images, and that two makings of them are the same" go_test '^ok' ./images/build
stage fuzz "fuzz targets, ten seconds each" shown '^fuzz:|^   \|' hack/fuzz.sh 10s

# What these execute is not among the inputs that the cache knows: always run.
stage kustomize "the examples through the real kustomize and as kpt renders them, and every command that the documentation shows" \
  go_test '^ok' -count=1 ./test/kustomize/... ./test/kpt/... ./test/ways/... ./test/docs/...
stage cluster "a real kube-apiserver on what examples, goldens and corpus come to, and on the admission policy (building it takes minutes the first time)" \
  go_test '^ok|the server (takes|refuses)' -count=1 -timeout=25m ./test/cluster/...
stage helm "the post-renderer of the real Helm 3 and Helm 4" go_test '^ok' -count=1 ./test/helm/...
# A module of its own, with the flags under which make test-argocd leaves what it
# compiled in the cache.
argocd() { CGO_ENABLED=0 go_test '^ok' -C test/argocd -trimpath -count=1 ./... "$@"; }
stage argocd "the plugins of examples/argocd, by the real argocd-cmp-server" argocd
stage e2e "end to end, in network namespaces: document, interceptor, order, family" \
  go_test '^(    )?--- PASS|compared|^load:' -count=1 -timeout=25m ./test/lab/... ./test/e2e/...

stage containers "the images with podman and runc: by kustomize, and in pods beside the real istio-iptables" \
  go_test '^(    )?--- PASS' -count=1 -timeout=20m ./test/containers/...

# passed STAGE: how many of its tests passed, subtests counted too.
passed() { [[ ! -f $logs/$1.log ]] && echo "not run" || grep -cE '^ *--- PASS' "$logs/$1.log" || true; }

count() { cat "$logs"/*.log | grep -cE "^ *--- $1" || true; }

echo
echo "== summary, after $((SECONDS / 60)) min $((SECONDS % 60)) s"
echo "   unit tests, properties, goldens: $(passed unit)"
echo "   $(grep -E '^corpus: [0-9]+ cases' "$logs/corpus.log" 2>/dev/null || echo 'corpus: not run')"
echo "   kustomize, kpt, documentation:   $(passed kustomize)"
echo "   kube-apiserver:                  $(passed cluster)"
echo "   Helm:                            $(passed helm)"
echo "   Argo CD:                         $(passed argocd)"
echo "   end to end:                      $(passed e2e)"
echo "   containers:                      $(passed containers)"
echo "   all that they printed:           $logs/"
for what in "${failed[@]}"; do echo "   FAILED: $what"; done
echo "$(count PASS) passed, $(count FAIL) failed"
[[ ${#failed[@]} -eq 0 ]] || exit 1
for name in "${wanted[@]}"; do
  [[ -f $logs/$name.log ]] || { echo "there is no stage $name" && exit 1; }
done
echo "All checks passed."

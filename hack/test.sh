#!/usr/bin/env bash
# test.sh [GROUP|STAGE...]: runs groups of stages or single stages, and goes on after
# one that fails, so that one run tells everything. Of a group two stages run at a time:
# one that works for most of its time and one that waits.
# The groups are "test" (make test; the default), "rest" (what only make test-all
# runs) and "all". Prints go test's closing lines, failures and the end-to-end
# cases by name; all that a stage printed is in .cache/test/STAGE.log.
# test/README.md says what each stage needs and how long it takes.
set -euo pipefail
cd "$(dirname "$0")/.."

# Where an ordinary user's PATH on Debian does not reach: nft, iptables, ip.
export PATH=$PATH:/usr/sbin:/sbin

# Packages that are compiled without the folder's name come from the build cache in any
# clone, which saves a fresh one 100 seconds.
export GOFLAGS="${GOFLAGS:-} -trimpath"

logs=.cache/test
mkdir -p "$logs"
rm -f "$logs/ended"
wanted=("${@:-test}")

# stage GROUP NAME TITLE COMMAND...: runs COMMAND, which writes its own log.
stage() {
  local group=$1 name=$2 title=$3 began=$SECONDS
  shift 3
  case " ${wanted[*]} " in
    *" $group "* | *" $name "* | *" all "*) ;;
    *) echo "left-out $name" >>"$logs/ended"; return ;;
  esac
  echo "== $name: $title"
  rm -f "$logs/$name.log"
  local end=passed
  "$@" "$logs/$name.log" || end=failed
  echo "$end $name" >>"$logs/ended"
  echo "   $name: $((SECONDS - began)) s"
}

# ended PATTERN: the stages that ended so.
ended() { sed -nE "s/^($1) //p" "$logs/ended"; }

# aside GROUP NAME TITLE COMMAND...: a stage that shows what it says when it ends, since
# another runs beside it.
aside() {
  stage "$@" >"$logs/aside" 2>&1
  cat "$logs/aside"
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

# seldom COMMAND...: runs tests that make much garbage and end soon: to collect it less
# often saves a quarter of their time. Not for tests that measure memory.
seldom() { GOGC=400 "$@"; }

# shown PATTERN COMMAND... LOG: runs a command, of whose output only the lines
# that match are printed.
shown() {
  local pattern=$1 log=${!#}
  "${@:2:$#-2}" 2>&1 | tee "$log" | grep --line-buffered -E "$pattern"
}

packages() { go list ./... | grep -E "$@"; }

# A module of its own, with the flags under which make test-argocd leaves what it
# compiled in the cache.
argocd() { CGO_ENABLED=0 go_test '^ok' -C test/argocd -count=1 ./... "$@"; }
# With the flags of test/cluster, which builds the same kubectl.
readers() { CGO_ENABLED=0 go_test '^ok|[0-9] documents, |streams of seed|accepted by|read alike|known fault' -C test/readers -count=1 ./... "$@"; }

# What waits for a server, for the network or for one compiler.
waiting() {
  aside test kernel "the init container's rules in this kernel, in network namespaces" go_test '^ok' -count=1 ./test/kernel/...
  aside test e2e "end to end, in network namespaces: document, interceptor, order, family" \
    go_test '^(    )?--- PASS|compared|^(load|ambient|running|tproxy): ' -count=1 -timeout=25m ./test/e2e ./test/e2e/load ./test/lab/...
  aside rest differential "every line of a decision and random cases, held against the decision behind the rules of every mesh" \
    go_test '^(    )?--- PASS|compared|^matrix: ' -count=1 -timeout=25m ./test/e2e/differential
  aside rest cluster "a real kube-apiserver on what examples, goldens and corpus come to, and on the admission policy (building it takes minutes the first time)" \
    go_test '^ok|the server (takes|refuses)' -count=1 -timeout=25m ./test/cluster/...
  aside rest reproducible "the programs built twice, in two folders" shown '^reproduced:' hack/reproducible.sh
  aside rest images "the container images, and that two makings of them are the same" go_test '^ok' -C images/build ./...
  aside soak release "the archives of a release, made twice, and go install from a proxy" go_test '^ok' -C test/release -count=1 -timeout=20m ./...
  aside rest helm "the post-renderer of the real Helm 3 and Helm 4" go_test '^ok' -count=1 ./test/helm/...
  aside rest helm-docs "Helm's commands in the documentation" go_test '^ok' -count=1 -run '^TestHelm' ./test/docs ./test/ways
  aside rest flux "what CI renders, pushed, pulled and built by Flux's own packages" go_test '^ok' -C test/flux -count=1 ./...
  aside rest argocd "the plugins of examples/argocd, by the real argocd-cmp-server" argocd
  aside rest readers "odd documents, read by kubectl, kustomize, Argo CD and krm-bypass" readers
  aside rest browser "the page of krm-bypass ui in Chromium, by pointer and keyboard, with script and without, judged by axe-core" \
    go_test '^ok' -C test/browser -count=1 ./...
}

lane=
if [[ " ${wanted[*]} " =~ " "(test|rest|all)" " ]]; then
  # With a process group of its own, which ends when this does.
  set -m
  waiting </dev/null &
  lane=$!
  set +m
  trap 'kill -- -"$lane" 2>/dev/null || true' EXIT
else
  waiting
fi

stage test gofmt "every Go file is formatted" quietly unformatted
stage test vet "go vet" quietly go vet ./...

# What these execute is not among the inputs that go test's cache knows, so they
# always run: -count=1. The others may be answered from the cache.
mapfile -t unit < <(packages -v '/test/')
unit+=(./test/bench)
stage test unit "unit tests, properties and goldens" seldom go_test '^ok' "${unit[@]}"
stage test corpus "the corpus of manifests: how many cases of each style hold each property" seldom go_test '^ok|^corpus: ' -count=1 ./test/corpus/...
stage test kustomize "the examples through the real kustomize and as kpt renders them" \
  seldom go_test '^ok' -count=1 -skip '^TestHelm' ./test/kustomize/... ./test/kpt/... ./test/ways/...
stage test pipelines "the scripts of the GitHub action and the GitLab component, and the hooks, in a scratch repository" go_test '^ok' ./test/pipelines -count=1 -skip '^TestPreCommit'
stage test docs "every command and spec that the documentation shows, but for Helm's" \
  seldom go_test '^ok' -count=1 -skip '^TestHelm' ./test/docs/...

# concurrent: the packages in which something runs beside something else, in the code
# or in a test. Elsewhere there is nothing to race with.
concurrent() {
  grep -rlE --include='*.go' '\bgo func|\bgo [a-zA-Z.]+\(|\b(errgroup|sync|atomic)\.|\.Parallel\(\)' fn cmd internal images/init test/kernel |
    xargs -n1 dirname | sort -u | sed 's#^#./#'
}

race() {
  local raced
  [[ $(go env CGO_ENABLED) == 1 ]] || { echo "missing: a C compiler, which the race detector needs (Debian packages gcc, libc6-dev)" && return 1; }
  mapfile -t raced < <(concurrent)
  [[ ${#raced[@]} -gt 5 ]] || { echo "found only ${#raced[@]} packages in which something runs beside something else" && return 1; }
  # These hold one thread to much data. The stage unit has them; here they would take
  # half of the time and find nothing more.
  go_test '^ok' -race -skip '^(TestRecordedKeys|TestEverybodySaysTheSame|TestOperators|TestKeysPage|TestAMeshIsOneFile|TestFormsRoundTrip|TestHostileInput|TestRecordsOfVersion1|TestFiveMebibytes|TestWhatIsShownAndPutBackChangesNothing|TestAddingAndTakingAway|TestThePageFindsWhatLintFinds|TestGolden|TestJSONStaysJSON|TestEveryWorkloadOfAVerdictIsListed|TestTheFileStaysSmall|TestAnotherOrderIsNothingElse)$' "${raced[@]}" "$@"
}
stage rest race "what runs beside something else, with the race detector" race
stage rest hostile "hostile input: bounded memory and work, a clear error, nothing lost" go_test '^ok|^--- PASS' -count=1 -timeout=20m ./test/hostile/...
stage rest confined "kustomizations that reach out, under a filter that reports programs started and sockets opened" \
  go_test '^ok|krm-bypass for none' -count=1 -timeout=20m ./test/confined/...
stage rest mutants "mutants of scanner and splicer, which the second reader has to find" go_test '^ok|mutants: ' ./test/mutants
stage rest pre-commit "the hooks by the real pre-commit" go_test '^ok' ./test/pipelines -count=1 -run '^TestPreCommit'
stage rest workflows "the workflows and the action, by actionlint and shellcheck" go_test '^ok' -C test/workflows -count=1 ./...
stage rest licences "the licences of what is linked in" go_test '^ok' -C test/licences -count=1 ./...
stage rest fuzz "fuzz targets, ten seconds each" shown '^fuzz:|^   \|' hack/fuzz.sh 10s
stage rest containers "the images with podman and runc: by kustomize, and in pods beside the real istio-iptables" \
  go_test '^(    )?--- PASS' -C test/containers -count=1 -timeout=20m ./...

[[ -z $lane ]] || wait "$lane" || { echo "what ran aside ended early: $logs/ended says after which" && exit 1; }
mapfile -t ran < <(ended 'passed|failed')

# count OUTCOME STAGE...: how many tests ended so, subtests counted too.
count() {
  local outcome=$1
  shift
  for name in "$@"; do cat "$logs/$name.log"; done | grep -cE "^ *--- $outcome" || true
}

echo
echo "== summary, after $((SECONDS / 60)) min $((SECONDS % 60)) s"
for name in "${ran[@]}"; do
  printf '   %-12s %s passed\n' "$name" "$(count PASS "$name")"
done
[[ " ${ran[*]} " != *" corpus "* ]] || grep -hE "^corpus: [0-9]+ cases" "$logs/corpus.log" | sed "s/^/   /"
echo "   all that they printed: $logs/"
if [[ ${wanted[*]} == test ]]; then
  echo "   left out, make test-all runs them too: $(ended left-out | xargs)"
fi
for name in $(ended failed); do
  echo "   FAILED: $name (log: $logs/$name.log)"
  # By name, so that the end of a long log says what to look at.
  { grep -ahE '^ *--- (FAIL|SKIP):|^fuzz: FAILED|^panic: |^FAIL.*\[' "$logs/$name.log" || true; } | awk '!seen[$0]++' | head -n 20 | cut -c1-700 | sed 's/^/      /'
done
echo "$(count PASS "${ran[@]}") passed, $(count FAIL "${ran[@]}") failed"
[[ -z $(ended failed) ]] || exit 1
for name in "${wanted[@]}"; do
  [[ $name =~ ^(test|rest|all)$ || " ${ran[*]} " == *" $name "* ]] || { echo "there is no stage $name" && exit 1; }
done
echo "All checks passed."

#!/usr/bin/env bash
# Compares 200,000 random cases, and for ten minutes, behind every interceptor,
# successive seeds from KRM_BYPASS_SEED on, then makes 20,000 new connections a second
# for a minute through our rules, kills the last init container while connections begin, renders 10,000 kustomizations under a filter, and has
# kubectl, kustomize and Argo CD read a million streams of odd documents beside us,
# types each hostile text into each field, makes the
# archives of a release twice; holds the files in KRM_BYPASS_CORPUS, if it is
# set, to what is promised of files:
# soak.sh [DURATION]. Prints the numbers, and fails where a case disagrees, a connection
# fails, a kustomization reaches out, a reader sees more than we do, or a run is shorter
# than what it should show.
set -euo pipefail
cd "$(dirname "$0")/.."

export PATH=$PATH:/usr/sbin:/sbin
duration=${1:-10m}
status=0

echo "== random cases for $duration: the decision behind the rules of every mesh"
KRM_BYPASS_SOAK=$duration go test -v -count=1 -timeout=3h ./test/e2e/differential | grep --line-buffered -vE '^(=== |PASS)|\[rapid\] OK' || status=1

echo "== new connections: 20,000 a second for 60s"
KRM_BYPASS_LOAD=60s go test -v -count=1 -timeout=1h ./test/e2e/load | grep --line-buffered -vE '^(=== |PASS)' || status=1

echo "== the last init container, 200 times killed or not, while connections begin"
KRM_BYPASS_CLOSINGS=200 go test -v -count=1 -timeout=1h -run '^TestConnectionsEndThatBeginMeanwhile$' ./test/e2e | grep --line-buffered -vE '^(=== |PASS)' || status=1

echo "== 10,000 kustomizations: none starts a program or opens a socket"
KRM_BYPASS_KUSTOMIZATIONS=10000 go test -v -count=1 -timeout=3h -run Drawn ./test/confined | grep --line-buffered -vE '^(=== |PASS)' || status=1

echo "== odd documents: a million streams, read by four readers"
KRM_BYPASS_STREAMS=${KRM_BYPASS_STREAMS:-1000000} CGO_ENABLED=0 go test -C test/readers -trimpath -v -count=1 -timeout=3h -run '^TestDrawnStreams$' . | grep --line-buffered -vE '^(=== |PASS)' || status=1

echo "== hostile text, each in each field of a form"
KRM_BYPASS_FORMS=all go test -v -count=1 -run '^TestHostileInput$' ./cmd/krm-bypass/page | grep --line-buffered -vE '^(=== |PASS)' || status=1

if [[ -n ${KRM_BYPASS_CORPUS:-} ]]; then
  echo "== the manifests in $KRM_BYPASS_CORPUS"
  go test -v -count=1 -timeout=5h -run '^TestTrees$' ./test/corpus | grep --line-buffered -vE '^(=== |PASS)' || status=1
fi

hack/test.sh release || status=1
exit "$status"

#!/bin/sh
# Renders the chart in the working directory for Argo CD. POSIX sh, so that any
# image's will do. No pipe leads out of helm: it would hide that helm failed, and
# half a chart, or nothing, would be applied.
set -eu

refuse() {
  echo "error: parameter $1" >&2
  exit 1
}

# Where this request's copy of the repository begins: argocd-cmp-server unpacks
# each into a folder of its own.
here=$(pwd -P)
requests=${here%%/_cmp_server/*}/_cmp_server
request=${here#"$requests"/}
repository=$requests/${request%%/*}

set -- --include-crds --namespace "$ARGOCD_APP_NAMESPACE"
[ -z "${KUBE_VERSION-}" ] || set -- "$@" --kube-version "$KUBE_VERSION"
[ -z "${KUBE_API_VERSIONS-}" ] || set -- "$@" --api-versions "$KUBE_API_VERSIONS"

# Parameters are the application author's: helm would fetch URLs, read any file of
# this container, and take what has a comma for two.
i=0
while eval "file=\${PARAM_VALUES_FILES_$i-}" && [ -n "$file" ]; do
  real=$(realpath -- "$file" 2>/dev/null || :)
  [ -f "$real" ] || real=
  case $real in
  *[,\"]*) refuse "values-files: \"$file\" has a comma or a quote in its path, which helm does not take: rename it" ;;
  "$repository"/*) set -- "$@" --values "$real" ;;
  *) refuse "values-files: \"$file\" is no file of this repository: name one, relative to the chart" ;;
  esac
  i=$((i + 1))
done

release=${PARAM_RELEASE_NAME:-$ARGOCD_APP_NAME}
manifests=$(printf '%s\n' "${PARAM_VALUES-}" | helm template "$@" --values - -- "$release" .)
printf '%s\n' "$manifests" | krm-bypass render -

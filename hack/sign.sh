#!/usr/bin/env bash
# Signs pushed images by their digests, for every platform, and attests to each
# platform's bill of materials and to how it was made: sign.sh REFERENCES, a file
# of what make push has printed. Runs in the release workflow, whose identity is
# the key; needs cosign and jq, and bin/images as make images has left it.
set -euo pipefail
cd "$(dirname "$0")/.."

cosign=${COSIGN_PROGRAM:-cosign}
images=bin/images
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The statement of what built them, as SLSA has it
# (https://slsa.dev/spec/v1.0/provenance).
jq --null-input \
  --arg repository "${GITHUB_SERVER_URL:?}/${GITHUB_REPOSITORY:?}" \
  --arg ref "${GITHUB_REF:?}" --arg commit "${GITHUB_SHA:?}" \
  --arg workflow "${GITHUB_WORKFLOW_REF:?}" --arg run "${GITHUB_RUN_ID:?}/attempts/${GITHUB_RUN_ATTEMPT:?}" \
  --arg go "$(go env GOVERSION)" '{
    buildDefinition: {
      buildType: ($repository + "/blob/main/Makefile#images"),
      externalParameters: {workflow: $workflow, ref: $ref},
      internalParameters: {go: $go},
      resolvedDependencies: [{uri: ("git+" + $repository + "@" + $ref), digest: {gitCommit: $commit}}]
    },
    runDetails: {
      builder: {id: ("https://github.com/" + $workflow)},
      metadata: {invocationId: ($repository + "/actions/runs/" + $run)}
    }
  }' >"$scratch/provenance.json"

# layout DIGEST: the folder of the image that has it.
layout() {
  local index
  for index in "$images"/*/index.json; do
    if [[ $(jq --raw-output '.manifests[0].digest' "$index") == "$1" ]]; then
      dirname "$index"
      return
    fi
  done
  echo "no image in $images has the digest $1: was it made here?" >&2
  return 1
}

# blob LAYOUT DIGEST: the file of it.
blob() { echo "$1/blobs/${2/://}"; }

signed=0
while read -r reference; do
  digest=${reference##*@}
  repository=${reference%@*}
  repository=${repository%:*}
  folder=$(layout "$digest")
  "$cosign" sign --yes --recursive "$repository@$digest"
  "$cosign" attest --yes --type slsaprovenance1 --predicate "$scratch/provenance.json" "$repository@$digest"
  # Behind the index stand the bills of materials, each of one platform's image.
  while read -r bill; do
    manifest=$(blob "$folder" "$bill")
    subject=$(jq --raw-output '.subject.digest' "$manifest")
    document=$(blob "$folder" "$(jq --raw-output '.layers[0].digest' "$manifest")")
    "$cosign" attest --yes --type spdxjson --predicate "$document" "$repository@$subject"
    "$cosign" attest --yes --type slsaprovenance1 --predicate "$scratch/provenance.json" "$repository@$subject"
  done < <(jq --raw-output '.manifests[1:][].digest' "$folder/index.json")
  signed=$((signed + 1))
done <"${1:?usage: sign.sh REFERENCES}"
[[ $signed -gt 0 ]] || { echo "there is no reference in $1" >&2 && exit 1; }
echo "signed $signed images"

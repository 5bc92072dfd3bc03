#!/usr/bin/env bash
# Builds the programs twice, in two folders and with nothing else in common that
# a build should not depend on: caches, time zone, umask, language, user name.
# Prints the digests, and fails where the two differ.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# copy FOLDER: the files of the repository as they are, without what is ignored.
copy() {
  mkdir -p "$1"
  git ls-files -z --cached --others --exclude-standard |
    while IFS= read -r -d '' file; do if [[ -e $file ]]; then printf '%s\0' "$file"; fi; done |
    tar --create --null --files-from=- | tar --extract --directory="$1"
}

one=$folder/one other=$folder/another/place
copy "$one"
(umask 077 && copy "$other")

make --silent -C "$one" build
(
  umask 077
  export GOCACHE=$folder/cache TZ=Pacific/Kiritimati LC_ALL=C USER=somebody LOGNAME=somebody TMPDIR=$folder
  make --silent -C "$other" build
)

status=0
for program in "$one"/bin/*; do
  name=${program##*/}
  digest=$(sha256sum <"$program" | cut -d' ' -f1)
  if cmp --quiet "$program" "$other/bin/$name"; then
    echo "reproduced: sha256:$digest $name"
  else
    echo "reproduced: NOT $name: built elsewhere it has other bytes"
    status=1
  fi
done
exit "$status"

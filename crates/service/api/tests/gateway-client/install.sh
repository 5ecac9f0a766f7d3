#!/usr/bin/env bash
# Installs the clients that the test of the gateway runs, in the versions that package-lock.json
# pins, and prints their folder:
#
#   ALEPHD_GATEWAY_CLIENT=$(crates/service/api/tests/gateway-client/install.sh) cargo nextest run -p alephd-api
#
# The folder lies in the cache, outside of the checkout. A finished installation is known by the list
# it was made from.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
cache=${ALEPHD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/alephd}
folder=$cache/gateway-client-$(cksum <package-lock.json | cut -d' ' -f1)
mkdir -p "$folder"
if ! cmp -s package-lock.json "$folder/installed"; then
  cp package.json package-lock.json .npmrc "$folder/"
  # None of the packages needs its install script.
  (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
  cp package-lock.json "$folder/installed"
fi
cp client.mjs "$folder/"
printf '%s\n' "$folder"

#!/usr/bin/env bash
# Installs the foreign peers that the tests of the network run against, and prints the variables by
# which the tests find them:
#
#   eval "$(scripts/peers.sh)"
#
# - ALEPHD_OLD_PEER: the libp2p of the reference's p2p-service (tests/peers/p2p-service), built into the
#   folder that cargo builds in. Takes some minutes on two cores once.
# - ALEPHD_JS_PEER: js-libp2p (tests/peers/js), installed into the cache.
#
# Does nothing for one that is there or that its variable names already. The tests of one that cannot
# be had say that they were skipped, and the status of this script is then not 0.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

status=0

# The name holds what it was built from, so that a change of it is built.
old_peer() {
  local source=tests/peers/p2p-service target sum peer
  mkdir -p "$TARGET/p2p"
  target=$(cd "$TARGET/p2p" && pwd)
  sum=$(cat "$source"/{Cargo.toml,Cargo.lock,src/main.rs,test-key.der} | cksum | cut -d' ' -f1)
  peer=$target/p2p-service-peer-$sum
  if [ ! -x "$peer" ]; then
    say "peers: building the libp2p of p2p-service (once, some minutes)" >&2
    env -u RUSTFLAGS CARGO_TARGET_DIR="$target/build" \
      cargo build --quiet --locked --manifest-path "$source/Cargo.toml" >&2 || return 1
    rm -f "$target"/p2p-service-peer-*
    mv "$target/build/debug/p2p-service-peer" "$peer"
    rm -rf "$target/build"
  fi
  printf '%s\n' "$peer"
}

if [ -n "${ALEPHD_OLD_PEER:-}" ]; then peer=$ALEPHD_OLD_PEER; else peer=$(old_peer) || status=1; fi
if [ -n "$peer" ]; then printf 'export ALEPHD_OLD_PEER=%q\n' "$peer"; fi

if [ -n "${ALEPHD_JS_PEER:-}" ]; then peer=$ALEPHD_JS_PEER; else
  peer=$(have npm && tests/peers/js/install.sh) || status=1
fi
if [ -n "$peer" ]; then printf 'export ALEPHD_JS_PEER=%q\n' "$peer"; fi
exit "$status"

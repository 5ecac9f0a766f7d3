#!/usr/bin/env bash
# Installs what `make check` and `make test` need and this machine lacks. Safe to run again: what
# is there is left alone, in whatever version. `make dev` needs none of it.
#
# Debian packages are installed as root, or through sudo where that asks no password. On other
# systems the missing ones are named, and the tests that need them say that they were skipped.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

# Cargo tools in the versions that are known to build with the pinned compiler.
NEXTEST=0.9.143
DENY=0.20.2

packages=()
have cc || packages+=(build-essential)
have curl || packages+=(curl)
have chromium || have chromium-browser || have google-chrome || packages+=(chromium)
python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || packages+=(python3 python3-venv)
have node || packages+=(nodejs)
have npm || packages+=(npm)

if [ ${#packages[@]} -gt 0 ]; then
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then as_root=(sudo -n); fi
  if have apt-get && "${as_root[@]}" true 2>/dev/null; then
    say "tools: installing ${packages[*]}"
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
  else
    say "tools: please install ${packages[*]}; the tests that need them will be skipped"
  fi
fi

# Built outside the checkout and shared with nothing: their flags are not ours.
cargo_tool() { # command, package, version
  if have "$1"; then return; fi
  say "tools: building $2 $3 (once, some minutes)"
  env -u CARGO_TARGET_DIR -u RUSTFLAGS cargo install --quiet --locked "$2@$3"
}
cargo_tool cargo-nextest cargo-nextest "$NEXTEST"
cargo_tool cargo-deny cargo-deny "$DENY"
# Its tests skip themselves aloud, so a machine without network is no reason to run no test at all.
# CI insists (.ci/run).
scripts/s3.sh || say "tools: no S3 server was built; the tests of buckets will be skipped"
if [ "${1:-}" = fuzz ]; then cargo_tool cargo-fuzz cargo-fuzz 0.13.2; fi

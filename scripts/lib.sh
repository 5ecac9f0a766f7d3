# shellcheck shell=bash disable=SC2034
# What the scripts share. Source it; it changes to the root of the checkout.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2

# Everything the scripts keep between runs lies here, outside the checkout.
CACHE=${ALEPHD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/alephd}
TARGET=${CARGO_TARGET_DIR:-target}
export LC_ALL=C.UTF-8
export PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"

say() { printf '%s\n' "$*"; }
have() { command -v "$1" >/dev/null 2>&1; }

# A machine may have the pinned compiler only under the name of its channel, and no way to fetch
# it under the other one. The same version is the same compiler.
if have rustup && ! rustc --version >/dev/null 2>&1; then
  pinned=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
  case $(rustc +stable --version 2>/dev/null) in
    "rustc $pinned "*) export RUSTUP_TOOLCHAIN=stable ;;
  esac
fi

#!/usr/bin/env bash
# Fuzzes every target for FUZZ_SECONDS (60) each, or those named: scripts/fuzz.sh [TARGET ...]
# Runs begin with the seeds in fuzz/corpus and with what earlier runs found, kept in fuzz/grown. New
# inputs that reach new code are added to fuzz/corpus; a crash is kept in fuzz/artifacts.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

[ -f fuzz/Cargo.toml ] || { say "fuzz: no targets yet"; exit 0; }
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then mapfile -t targets < <(cargo fuzz list); fi

# The coverage instrumentation is an unstable flag. The pinned compiler accepts it this way, so
# that no second toolchain is needed; the address sanitizer would need one and is left out, since
# there is no unsafe code of ours for it to watch.
export RUSTC_BOOTSTRAP=1
for target in "${targets[@]}"; do
  say "== $target"
  grown=fuzz/grown/$target.tar.gz
  if [ -f "$grown" ]; then
    mkdir -p "fuzz/corpus/$target"
    tar -xzf "$grown" -C "fuzz/corpus/$target"
  fi
  cargo fuzz run --sanitizer none "$target" -- \
    -max_total_time="${FUZZ_SECONDS:-60}" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1
done

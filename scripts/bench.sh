#!/usr/bin/env bash
# Measurements: the micro-benchmarks of the crates, then a whole node under load. Arguments go to
# the load generator. Results with their method and machine belong in bench/RESULTS.md.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

say "load before: $(cut -d' ' -f1-3 /proc/loadavg 2>/dev/null || uptime)"
cargo bench --workspace --benches
cargo build --release --package alephd --bin alephd
ALEPHD_BIN=${ALEPHD_BIN:-$(cd "$TARGET" && pwd)/release/alephd}
export ALEPHD_BIN
cargo run --release --package alephd-bench -- "$@"
say "load after: $(cut -d' ' -f1-3 /proc/loadavg 2>/dev/null || uptime)"

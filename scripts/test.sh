#!/usr/bin/env bash
# All tests, after `make check` has passed: unit, property and integration tests, the examples in
# the documentation, the conformance clients. Runs every part even if an earlier one failed,
# says which tests were skipped and why, and ends with the totals of all parts.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

log=$(mktemp)
skips=$(mktemp)
trap 'rm -f "$log" "$skips"' EXIT
passed=0 failed=0 skipped=0
broken=() # parts that failed without counting a failed test, such as a compile error

# Adds counts to the totals; a part whose exit status is bad must show a failed test.
add() { # part, exit status, passed, failed, skipped
  passed=$((passed + $3)) failed=$((failed + $4)) skipped=$((skipped + $5))
  if [ "$2" -ne 0 ] && [ "$4" -eq 0 ]; then broken+=("$1"); fi
}
number() { # what, line: the number before the word, or 0
  grep -oE "[0-9]+ $1" <<<"$2" | tail -1 | cut -d' ' -f1 | grep . || echo 0
}

part() { say ""; say "== $1"; }

part "the program"
# Drills and clients run this build; the tests find it by the variable.
if cargo build --quiet --profile ci --package alephd --bin alephd; then
  export ALEPHD_BIN=${ALEPHD_BIN:-$(cd "$TARGET" && pwd)/ci/alephd}
else
  broken+=("the program")
fi

# Without them the test of the gateway says that it was skipped.
if have npm && client=$(crates/service/api/tests/gateway-client/install.sh); then
  export ALEPHD_GATEWAY_CLIENT=$client
fi

# Foreign nodes of the network and of IPFS; likewise.
peers=$(scripts/peers.sh) || say "peers: not all of them are here"
eval "$peers"
if have npm && peers=$(tests/peers/ipfs/install.sh); then
  export ALEPHD_IPFS_PEERS=$peers
fi

part "tests"
# A test that finds at run time that it cannot run here appends "name: why" to this file and
# returns; the runner counts it as passed, so it is moved to the skipped ones.
export ALEPHD_TEST_SKIPS=$skips
cargo nextest run --workspace 2>&1 | tee "$log"
status=$?
summary=$(grep -E '^ *Summary \[' "$log" | tail -1)
run=$(number 'tests? run' "$summary")
ok=$(number passed "$summary")
gave_up=$(grep -c . "$skips")
add tests "$status" $((ok - gave_up)) $((run - ok)) $(($(number skipped "$summary") + gave_up))
grep -rnE '#\[ignore' --include='*.rs' bin bench crates tests xtask 2>/dev/null |
  sed -E 's/^([^:]+):([0-9]+): *#\[ignore( = )?"?([^"]*)"?\].*/\1:\2  \4/' >>"$skips"

part "examples in the documentation"
cargo test --workspace --doc --quiet 2>&1 | tee "$log"
status=$?
read -r p f i < <(awk '/^test result:/ { for (n = 1; n < NF; n++) {
    if ($(n+1) ~ /^passed/) p += $n; if ($(n+1) ~ /^failed/) f += $n; if ($(n+1) ~ /^ignored/) i += $n } }
  END { print p + 0, f + 0, i + 0 }' "$log")
add examples "$status" "$p" "$f" "$i"
if [ "$i" -gt 0 ]; then say "examples  $i marked \`ignore\`" >>"$skips"; fi

part "conformance clients"
if [ -n "${ALEPHD_BIN:-}" ]; then
  scripts/conformance.sh 2>&1 | tee "$log"
  status=$?
  summary=$(grep -E '^conformance: [0-9]+ passed' "$log" | tail -1)
  add conformance "$status" "$(number passed "$summary")" "$(number failed "$summary")" "$(number skipped "$summary")"
  sed -n 's/^skipped: /conformance  /p' "$log" >>"$skips"
fi

part "skipped"
if [ "$skipped" -eq 0 ]; then say "no test was skipped"; else say "$skipped tests were skipped:"; fi
sort "$skips" | sed 's/^/  /'

say ""
if [ ${#broken[@]} -gt 0 ]; then
  say "did not run to its end: ${broken[*]}"
  failed=$((failed + ${#broken[@]}))
fi
say "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

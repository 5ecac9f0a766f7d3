#!/usr/bin/env bash
# Runs the published Aleph clients against a node of ours: scripts/conformance.sh [SUITE ...]
#
#   CONFORMANCE_DIR     folder with run.sh, requirements.txt and the suites (conformance/)
#   CONFORMANCE_SUITES  suites to run if none are named (api py ts rust)
#   ALEPHD_BIN          the program; otherwise the newest of the ci, release and debug builds
#   ALEPH_CLI           the official Rust command line (`aleph` on the PATH)
#
# A case listed in tests/conformance-allowed.txt may fail; it is counted as skipped and shown. Any
# other failure fails the run. The last line but the verdict is "conformance: N passed, ...".
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

allowed=tests/conformance-allowed.txt
suites_dir=${CONFORMANCE_DIR:-conformance}
read -r -a suites <<<"${*:-${CONFORMANCE_SUITES:-api py ts rust}}"

skip() { say "skipped: $*"; say "conformance: 0 passed, 0 failed, 1 skipped"; exit 0; }
fail() { say "conformance: $*" >&2; exit 1; }

[ -f "$suites_dir/run.sh" ] || skip "all cases: no suites in $suites_dir (set CONFORMANCE_DIR)"
have python3 || skip "all cases: python3 is not installed"
have curl || skip "all cases: curl is not installed"
suites_dir=$(cd "$suites_dir" && pwd)

program=${ALEPHD_BIN:-}
if [ -z "$program" ]; then
  # shellcheck disable=SC2012 # names of our own making
  program=$(ls -t "$TARGET"/{ci,release,debug}/alephd 2>/dev/null | head -1)
fi
[ -x "$program" ] || fail "build the program first: cargo build --profile ci"

# The clients, in the versions that the suites pin. A changed list makes a new environment, and
# one is only used when it was finished.
requirements=$suites_dir/requirements.txt
venv=$CACHE/clients-$(cksum <"$requirements" | cut -d' ' -f1)
if [ ! -f "$venv/complete" ]; then
  say "conformance: installing the clients into $venv"
  rm -rf "$venv"
  mkdir -p "$CACHE"
  python3 -m venv "$venv" || skip "all cases: python3 cannot make virtual environments"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements" ||
    fail "the clients could not be installed"
  touch "$venv/complete"
fi

work=$(mktemp -d)
node=
stop_node() {
  if [ -n "$node" ] && kill -TERM "$node" 2>/dev/null; then
    for _ in $(seq 200); do kill -0 "$node" 2>/dev/null || break; sleep 0.1; done
    if kill -KILL "$node" 2>/dev/null; then say "conformance: the node ignored SIGTERM for 20 s" >&2; fi
  fi
  node=
}
trap 'stop_node; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=http://127.0.0.1:$port
mkdir "$work/data"
"$program" dev --api "127.0.0.1:$port" --data "$work/data" >"$work/node.log" 2>&1 </dev/null &
node=$!
ready=
for _ in $(seq 300); do
  if curl --silent --fail --max-time 2 --output /dev/null "$url/api/v0/version"; then ready=yes; break; fi
  kill -0 "$node" 2>/dev/null || break
  sleep 0.2
done
if [ -z "$ready" ]; then
  tail -n 40 "$work/node.log" >&2
  fail "the node did not answer at $url"
fi

# The TypeScript SDK goes where its list says, as above; the suite installs it if node is there.
ts_clients=$CACHE/clients-ts-$(cksum <"$suites_dir/ts/package-lock.json" | cut -d' ' -f1)

say "conformance: ${suites[*]} against $program at $url"
PYTHON=$venv/bin/python CLIENTS=$venv TS_CLIENTS=$ts_clients PYTHONDONTWRITEBYTECODE=1 ALEPH_CONFIG_HOME=$work/home \
  bash "$suites_dir/run.sh" "$url" "${suites[@]}" >"$work/cases" 2>"$work/errors"
grep -E '^(FAIL|SKIP) ' "$work/cases"

crashed=
kill -0 "$node" 2>/dev/null || crashed=yes
stop_node

# The name of a case is what stands between its verdict and "  # reason".
names() { sed -nE "s/^$1 (.*)$/\1/p" "$work/cases" | sed -E 's/  # .*$//' | sort -u; }
listed() { [ -f "$allowed" ] && sed -E 's/(^|  *)#.*$//; s/ *$//' "$allowed" | grep . | sort -u; }
names FAIL >"$work/fail"
listed >"$work/allowed"
comm -12 "$work/fail" "$work/allowed" >"$work/fail.allowed"
comm -23 "$work/fail" "$work/allowed" >"$work/fail.new"
names PASS | comm -12 - "$work/allowed" >"$work/stale"

lines() { grep -c . "$1" || true; }
passed=$(grep -c '^PASS ' "$work/cases" || true)
failed=$(lines "$work/fail.new")
skipped=$(($(grep -c '^SKIP ' "$work/cases" || true) + $(lines "$work/fail.allowed")))

sed 's/^/skipped: allowed to fail: /' "$work/fail.allowed"
sed -nE 's/^SKIP (.*)$/\1/p' "$work/cases" | sed -E 's/^.*  # //' | sort | uniq -c |
  sed -E 's/^ *([0-9]+) (.*)$/skipped: \1 cases: \2/'
if [ -s "$work/stale" ]; then
  say "these cases pass; take them out of $allowed:"
  sed 's/^/  /' "$work/stale"
fi
if [ -s "$work/fail.new" ]; then
  say "these cases failed:"
  sed 's/^/  /' "$work/fail.new"
fi
if [ -n "$crashed" ] || [ "$failed" -gt 0 ] || [ "$passed" -eq 0 ]; then
  say "the node's last words:"
  tail -n 20 "$work/node.log"
  tail -n 20 "$work/errors"
fi
say "conformance: $passed passed, $failed failed, $skipped skipped"
[ -z "$crashed" ] || fail "the node stopped during the run"
[ "$passed" -gt 0 ] || fail "no case ran"
[ "$failed" -eq 0 ]

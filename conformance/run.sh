#!/usr/bin/env bash
# run.sh NODE_URL [api|py|ts|rust ...]: real Aleph clients against a node. One line a case:
# PASS|FAIL|SKIP suite::case  # reason. Last line: N passed, N failed, N skipped. Exit 0 only if
# nothing failed and something passed.
#
#   PYTHON      Python with the clients; otherwise a virtual environment is made in $CLIENTS
#   CLIENTS     default ~/.cache/aleph-clients
#   TS_CLIENTS  folder the TypeScript SDK is installed into (~/.cache/aleph-clients-ts)
#   ALEPH_CLI   the Rust command line (`aleph` on the PATH)
set -uo pipefail
cd "$(dirname "$0")" || exit 2
here=$PWD
export NODE_URL=${1:?usage: run.sh NODE_URL [suite ...]}
shift
[ $# -gt 0 ] || set -- api py ts rust
CLIENTS=${CLIENTS:-$HOME/.cache/aleph-clients}
TS_CLIENTS=${TS_CLIENTS:-$HOME/.cache/aleph-clients-ts}

python() {
  if [ -z "${PYTHON:-}" ]; then
    PYTHON=$CLIENTS/bin/python
    if [ ! -x "$PYTHON" ]; then
      python3 -m venv "$CLIENTS" && "$PYTHON" -m pip install -q -r "$here/requirements.txt" >&2 || return 1
    fi
  fi
  PYTHONDONTWRITEBYTECODE=1 "$PYTHON" "$@"
}

api() { python api/run_cases.py; }

py() {
  # shellcheck disable=SC2086 # several arguments
  (cd py && python -m pytest -p no:cacheprovider ${CASE_FILTER:+-k "$CASE_FILTER"} ${PYTEST_ARGS:-} 2>/dev/null)
}

# The SDK is found beside the cases, so they are copied to where it is installed: nothing is ever
# written into the checkout. A finished installation is known by the list it was made from.
ts() {
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "SKIP ts::all  # node and npm are not installed"
    return
  fi
  if [ "$(node -p 'process.versions.node.split(".")[0] >= 20')" != true ]; then
    echo "SKIP ts::all  # node is older than 20"
    return
  fi
  mkdir -p "$TS_CLIENTS"
  if ! cmp -s ts/package-lock.json "$TS_CLIENTS/installed"; then
    cp ts/package.json ts/package-lock.json ts/.npmrc "$TS_CLIENTS/"
    # None of the packages needs its install script: the native parts are optional.
    (cd "$TS_CLIENTS" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) || {
      echo "FAIL ts::install  # npm could not install the TypeScript SDK"
      return
    }
    cp ts/package-lock.json "$TS_CLIENTS/installed"
  fi
  rm -rf "$TS_CLIENTS/cases"
  cp -r ts/lib.mjs ts/run.mjs ts/cases "$TS_CLIENTS/"
  node "$TS_CLIENTS/run.mjs" "$NODE_URL"
}

rust() { rust/run.sh "$NODE_URL"; }

all=$(mktemp)
one=$(mktemp)
trap 'rm -f "$all" "$one"' EXIT
for suite in "$@"; do
  export SUITE=$suite
  case $suite in
    api | py | ts | rust) ;;
    *)
      echo "unknown suite $suite" >&2
      exit 2
      ;;
  esac
  "$suite" | grep --line-buffered -E '^(PASS|FAIL|SKIP) ' | tee "$one"
  # A suite that dies before its first case must not look like one without failures.
  if [ ! -s "$one" ] && [ -z "${CASE_FILTER:-}" ]; then
    echo "FAIL $suite::start  # no case was judged" | tee "$one"
  fi
  cat "$one" >>"$all"
done
passed=$(grep -c '^PASS ' "$all")
failed=$(grep -c '^FAIL ' "$all")
echo "$passed passed, $failed failed, $(grep -c '^SKIP ' "$all") skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

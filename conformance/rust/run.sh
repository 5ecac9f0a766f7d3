#!/usr/bin/env bash
# rust/run.sh NODE_URL: the official Rust command line against a node. One line a case, as ../run.sh
# has it: PASS|FAIL|SKIP rust::case  # reason. CASE_FILTER is a regular expression over the names.
#
#   ALEPH_CLI  the program (default: `aleph` on the PATH); `cargo install --locked aleph-cli@0.22.0`
# shellcheck disable=SC2317 # every case is called by its name
set -uo pipefail
url=${1:-${NODE_URL:?usage: run.sh NODE_URL}}
wait=${CONFORMANCE_WAIT:-40}
cli=${ALEPH_CLI:-aleph}

# The Python client installs a program of the same name; only this one knows --ccn.
if ! { "$cli" --help 2>/dev/null || true; } | grep -q -- --ccn; then
  echo "SKIP rust::all  # the Rust command line is not installed (set ALEPH_CLI)"
  exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Keys and settings of whoever runs this stay out of it.
export HOME=$work XDG_CONFIG_HOME=$work/config XDG_DATA_HOME=$work/data
export ALEPH_PASSWORD=conformance
unset ALEPH_PRIVATE_KEY
funder=${FUNDER_KEY:-$(printf 'aleph-conformance-funder' | sha256sum | cut -d' ' -f1)}

key() { od -An -tx1 -N32 /dev/urandom | tr -d ' \n'; }
word() { echo "w$(od -An -tx1 -N6 /dev/urandom | tr -d ' \n')"; }

# Every helper leaves what the program said in $out; a failed one ends the case.
out=
failed() { echo "$*" >"$work/reason"; exit 1; }
aleph() { # arguments
  out=$(timeout 120 "$cli" --ccn "$url" "$@" 2>&1) || failed "$1 $2: $(tail -n 1 <<<"$out")"
}
signed() { aleph --json "$1" "$2" --chain eth --private-key "$private" "${@:3}"; } # arguments
field() { sed -nE "s/^ *\"$1\": *\"?([^\",]*)\"?,?\$/\1/p" <<<"$out" | head -1; }
says() { grep -qF -- "$1" <<<"$out" || failed "no $1 in: $(tr -s ' \n' ' ' <<<"$out" | cut -c1-200)"; }
silent() { if grep -qF -- "$1" <<<"$out"; then failed "$1 is still there"; fi; }

# Waits for a status: not every message is in the state when its command returns.
status() { # item hash, wanted
  for _ in $(seq $((wait * 5))); do
    aleph --json message get "$1"
    if [ "$(field status)" = "$2" ]; then return; fi
    sleep 0.2
  done
  failed "$1 is $(field status), not $2"
}
send() { # arguments of a command that publishes: leaves the item hash in $hash
  signed "$@"
  hash=$(grep -m1 -A99 '"chain"' <<<"$out" | sed -nE 's/^ *"item_hash": *"([^"]*)".*/\1/p' | head -1)
  [ -n "$hash" ] || failed "$1 $2: no item_hash in: $(tr -s ' \n' ' ' <<<"$out" | cut -c1-200)"
  status "$hash" processed
}

account() { # makes an account: $private, $address
  private=$(key)
  local name
  name=$(word)
  aleph --json account import "$name" --private-key "$private" --encrypted
  address=$(field address)
  [ -n "$address" ] || failed "account import: no address in: $out"
}

fund() { # gives $address a balance and credits, or skips the case
  local own=$private balance credits
  private=$funder
  balance='{"tags":["mainnet"],"chain":"ETH","platform":"ETH","dapp":"'$(word)'","main_height":1,"height":1,"balances":{"'$address'":100000}}'
  send post create --type balances-update --channel SYSINFO --content "$balance"
  credits='{"distribution":{"token":"ALEPH","chain":"ETH","credits":[{"address":"'$address'","amount":10000000000,"price":"1","tx_hash":"0x'$(key)'",
    "provider":"ALEPH","origin":"conformance","ref":"'$(word)'","payment_method":"token_transfer","bonus_amount":0}]}}'
  send post create --type aleph_credit_distribution --channel ALEPH_CREDIT --content "$credits"
  private=$own
  for _ in $(seq 30); do
    aleph --json account balance "$address"
    if [ "$(field aleph_tokens)" = 100000.0 ] && [ "$(field credits)" -gt 0 ]; then return; fi
    sleep 0.2
  done
  echo "needs_balance: the node does not trust the funder address (README.md)" >"$work/reason"
  exit 77
}

case_account_import_and_list() {
  account
  aleph --json account list
  says "$address"
}

case_account_balance() {
  account
  fund
  says '"aleph_tokens": 100000.0'
  says '"credits": 10000000000'
}

case_post_create_amend_list() {
  account
  local original
  send post create --type note --channel TEST --content '{"text":"first"}'
  original=$hash
  aleph --json post list --hashes "$original"
  says first
  send post amend --ref "$original" --channel TEST --content '{"text":"second"}'
  for version in 0 1; do
    aleph --json post list --hashes "$original" --api-version "$version"
    says second
    says "$hash"
    silent '"first"'
  done
  aleph --json post list --addresses "$address" --channels TEST
  says "$original"
}

case_post_on_base() {
  private=$(key)
  aleph --json post create --chain base --private-key "$private" --type note --content '{"a":1}'
  status "$(field item_hash)" processed
}

case_aggregate_create_edit_unset_get() {
  account
  send aggregate create --key profile --content '{"name":"Ann","town":"Oslo"}'
  send aggregate edit --key profile --subkey name --content '"Bob"' -y
  aleph --json aggregate get profile --address "$address"
  says '"name":"Bob"'
  says Oslo
  send aggregate unset --key profile --subkey town -y
  aleph --json aggregate get profile --address "$address"
  silent Oslo
  aleph --json aggregate list --address "$address"
  says profile
}

case_message_list() {
  account
  local hashes=()
  for n in 1 2 3; do
    send post create --type note --channel TEST --content "{\"n\":$n}"
    hashes+=("$hash")
  done
  send aggregate create --key k --content '{"a":1}'
  aleph --json message list --addresses "$address" --message-types post --count 10
  for hash in "${hashes[@]}"; do says "$hash"; done
  silent '"type": "AGGREGATE"'
  aleph --json message list --addresses "$address" --count 2
  [ "$(grep -c '^    "item_hash"' <<<"$out")" -eq 2 ] || failed "not two messages"
}

case_message_forget() {
  account
  send post create --type note --channel TEST --content '{"text":"gone"}'
  local original=$hash
  send message forget "$original" -y
  status "$original" forgotten
  says "$hash"
  silent '"gone"'
}

case_file_upload_and_download() {
  account
  fund
  local store name
  name=$(word)
  head -c 300000 /dev/urandom >"$work/file"
  send file upload "$work/file" --ref "$name"
  store=$hash
  aleph file download "$(sha256sum <"$work/file" | cut -d' ' -f1)" -o "$work/by-hash"
  aleph file download --message-hash "$store" -o "$work/by-message"
  aleph file download --ref "$name" --owner "$address" -o "$work/by-ref"
  for copy in by-hash by-message by-ref; do cmp -s "$work/file" "$work/$copy" || failed "$copy differs"; done
  aleph --json file list --address "$address"
  says "$store"
}

case_file_upload_hold() {
  account
  fund
  head -c 1000 /dev/urandom >"$work/file"
  send file upload "$work/file" --payment-type hold
}

case_file_delete() {
  account
  fund
  head -c 1000 /dev/urandom >"$work/file"
  send file upload "$work/file"
  local store=$hash
  signed file delete "$(sha256sum <"$work/file" | cut -d' ' -f1)" -y
  status "$store" forgotten
}

case_file_directory_on_ipfs() {
  account
  fund
  mkdir -p "$work/site/sub"
  echo hello >"$work/site/index.html"
  echo there >"$work/site/sub/page.html"
  if ! out=$("$cli" --ccn "$url" --json file upload "$work/site" --chain eth --private-key "$private" 2>&1); then
    if grep -q 'IPFS is disabled' <<<"$out"; then
      echo "the node has no IPFS engine" >"$work/reason"
      exit 77
    fi
    failed "file upload: $(tail -n 1 <<<"$out")"
  fi
}

case_program_create_list_show() {
  account
  fund
  local runtime
  head -c 1000 /dev/urandom >"$work/runtime"
  send file upload "$work/runtime"
  runtime=$hash
  mkdir -p "$work/program"
  echo 'def app(): pass' >"$work/program/main.py"
  signed program create "$work/program" main:app --name p --vcpus 1 --memory 128MiB --runtime "$runtime"
  # What it prints has the hash of the code too; only the program appears in this list.
  aleph --json program list --address "$address"
  says '"name": "p"'
  aleph --json program show "$(field item_hash)"
  says "$runtime"
}

case_node_list() {
  account
  send aggregate create --key corechannel --content '{"nodes":[],"resource_nodes":[]}'
  aleph --json node list --all --corechannel-address "$address"
}

case_authorization() {
  account
  local delegate=$address
  account
  signed authorization add "$delegate" --message-types post
  for _ in $(seq $((wait * 5))); do
    aleph --json authorization received --address "$delegate"
    if grep -q "$address" <<<"$out"; then break; fi
    sleep 0.2
  done
  says "$address"
  aleph --json authorization list --address "$address"
  says "$delegate"
}

case_credit_history_and_summary() {
  account
  fund
  aleph --json credit history --address "$address"
  says token_transfer
  aleph --json credit summary --address "$address"
  says 10000000000
}

case_message_sync_of_a_node_with_itself() {
  aleph message sync --source "$url" --target "$url" --count 20 --dry-run
  says 'Nothing to sync'
}

cases=$(declare -F | sed -nE 's/^declare -f case_(.*)$/\1/p')
bad=0
for name in $cases; do
  if ! grep -qE -- "${CASE_FILTER:-}" <<<"$name"; then continue; fi
  : >"$work/reason"
  ("case_$name")
  case $? in
    0) echo "PASS rust::$name" ;;
    77) echo "SKIP rust::$name  # $(cat "$work/reason")" ;;
    *) bad=1; echo "FAIL rust::$name  # $(cut -c1-300 "$work/reason")" ;;
  esac
done
exit "$bad"

#!/usr/bin/env bash
# Has another program judge our audit records, and both judge records that were altered, removed, moved, repeated, cut off
# or forged: they agree on which are good, and both name the same record first. And ours judges a log whose file was cut,
# emptied or removed, by what the database knows of it.
#
#   tests/interop/audit.sh DIR_OF_BINARIES
#
# PYTHON names a Python that has cryptography. Stops at the first thing that is not as it should be.
set -euo pipefail

binaries=${1:?usage: audit.sh DIR_OF_BINARIES}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
authsvc=$binaries/authsvc

work=$(mktemp -d)
running=
cleanup() {
    if [[ -n $running ]]; then kill "$running" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap cleanup EXIT

passed() { printf 'ok       %s\n' "$1"; }
failed() {
    printf 'FAILED   %s\n' "$1"
    exit 1
}
theirs() { "${PYTHON:-python3}" "$here/audit_verify.py" "$@"; }

if ! "${PYTHON:-python3}" -c 'import cryptography' 2>/dev/null; then
    if [[ -n ${REQUIRE_ALL:-} ]]; then failed "no Python with cryptography: PYTHON=${PYTHON:-python3}"; fi
    printf 'SKIPPED  audit records: no Python with cryptography (set PYTHON)\n'
    exit 0
fi

home=$work/home
config=$home/authsvc.toml
"$authsvc" init --home "$home" --issuer https://auth.example --server-san localhost --default-audience orders \
    --public-address 127.0.0.1:0 --internal-address 127.0.0.1:0 --ops-address 127.0.0.1:0 >/dev/null
sed -i '1i audit.file = "audit.jsonl"\naudit.addresses = "pseudonym"' "$config"

# Two runs, each with refusals: connections that speak no TLS.
for run in 1 2; do
    "$authsvc" serve --config "$config" 2>"$work/stderr-$run" &
    running=$!
    for _ in $(seq 300); do
        port=$(sed -n 's/.*"public":"127\.0\.0\.1:\([0-9]*\)".*/\1/p' "$work/stderr-$run")
        if [[ -n $port ]]; then break; fi
        sleep 0.1
    done
    for _ in 1 2 3 4; do
        { printf 'GET / HTTP/1.1\r\n\r\n' >"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null || true
    done
    for _ in $(seq 100); do
        if [[ $(grep -c authn_tls_fail "$home/audit.jsonl") -ge $((4 * run)) ]]; then break; fi
        sleep 0.1
    done
    kill "$running"
    wait "$running"
    running=
done

"$authsvc" audit key --config "$config" >"$work/keys"
"$authsvc" audit export --config "$config" >"$work/rows.jsonl"
cp "$home/audit.jsonl" "$work/lines.jsonl"
ours() {
    case $1 in
    lines) "$authsvc" audit verify --public-key "$work/keys" "$2" ;;
    rows) "$authsvc" audit verify --rows --public-key "$work/keys" "$2" ;;
    esac
}

for thread in lines rows; do
    theirs "$thread" "$work/keys" "$work/$thread.jsonl" >"$work/said" || failed "theirs refuses our $thread: $(cat "$work/said")"
    ours "$thread" "$work/$thread.jsonl" >/dev/null || failed "ours refuses our $thread"
    passed "both take our $thread: $(cat "$work/said")"
done

# bad THREAD WHAT AWK: both refuse what awk makes of the file, at the same line.
bad() {
    awk "$3" "$work/$1.jsonl" >"$work/bad.jsonl"
    if cmp -s "$work/bad.jsonl" "$work/$1.jsonl"; then failed "$2 changes nothing"; fi
    both_refuse "$1" "$2"
}
# both_refuse THREAD WHAT: what is in bad.jsonl, at the same line.
both_refuse() {
    local file=$work/bad.jsonl their_line our_line
    if theirs "$1" "$work/keys" "$file" >/dev/null 2>"$work/theirs"; then failed "theirs takes $1 with $2"; fi
    if ours "$1" "$file" >"$work/ours"; then failed "ours takes $1 with $2"; fi
    their_line=$(sed -n 's/.*bad\.jsonl:\([0-9]*\):.*/\1/p' "$work/theirs")
    our_line=$(sed -n 's/.*first: .*bad\.jsonl:\([0-9]*\):.*/\1/p' "$work/ours")
    if [[ $their_line != "$our_line" ]]; then
        failed "$1 with $2: theirs names line $their_line, ours line $our_line"
    fi
    passed "both refuse $1 with $2, at line $our_line"
}
# missed WHAT: the configured file, as it is now, is not the whole log.
missed() {
    if "$authsvc" audit verify --config "$config" >"$work/ours"; then failed "ours takes a log $1"; fi
    grep -q 'first: ' "$work/ours" || failed "a log $1: nothing is named: $(cat "$work/ours")"
    passed "ours misses what is gone from a log $1: $(sed -n 's/^  first: //p' "$work/ours" | head -n 1)"
}
"$authsvc" audit verify --config "$config" >/dev/null || failed "ours refuses our whole log"
passed "ours takes our whole log"
sed -i 1d "$home/audit.jsonl"
missed "that was cut at its head"
theirs lines "$work/keys" "$home/audit.jsonl" >/dev/null || failed "theirs refuses a piece"
ours lines "$home/audit.jsonl" | grep -q 'note: a piece' || failed "ours does not call a piece one"
passed "both take it as a piece"
head -n -1 "$work/lines.jsonl" >"$home/audit.jsonl"
missed "that was cut at its end"
: >"$home/audit.jsonl"
missed "that was emptied"
rm "$home/audit.jsonl"
missed "that was removed"
cp "$work/lines.jsonl" "$home/audit.jsonl"
chmod 600 "$home/audit.jsonl"
"$authsvc" audit verify --config "$config" >/dev/null || failed "ours refuses our whole log when it is back"

# shellcheck disable=SC2016  # $0 is awk's
for thread in lines rows; do
    bad "$thread" "a flipped bit" 'NR == 3 { sub("level", "levem") } 1'
    bad "$thread" "an altered number" 'NR == 3 { sub(/"seq":[0-9]+/, "\"seq\":77") } 1'
    bad "$thread" "a duplicate member" 'NR == 3 { sub("{", "{\"log\":1,") } 1'
    bad "$thread" "a removed record" 'NR != 3'
    bad "$thread" "a repeated record" '1; NR == 3'
    bad "$thread" "records in another order" 'NR == 3 { kept = $0; next } 1; NR == 4 { print kept }'
    bad "$thread" "a line cut short" 'NR == 3 { $0 = substr($0, 1, 200) } 1'
    bad "$thread" "a forged signature" 'NR == 1 { other = /"signature":"z/ ? "y" : "z"; sub(/"signature":"./, "\"signature\":\"" other) } 1'
    bad "$thread" "a signature taken off" 'NR == 1 { sub(/,"signature":"[^"]*"/, "") } 1'
done

# Whoever removes a line can write a record that says it was lost, with the right digest, and cannot sign it.
"${PYTHON:-python3}" - "$work/lines.jsonl" >"$work/bad.jsonl" <<'PYTHON'
import base64
import hashlib
import json
import sys

lines = open(sys.argv[1]).read().splitlines()
chain = json.loads(lines[0])["chain"]["id"]
last = [json.loads(line)["chain"] for line in lines if json.loads(line)["chain"]["id"] == chain][-1]
record = json.loads(lines[1])
del record["chain"]
record["authsvc"]["audit"] = {"gap": {"first": 3, "last": 3}}
text = json.dumps(record, separators=(",", ":"))[:-1]
text += f',"chain":{{"id":"{chain}","seq":{last["seq"] + 1},"prev":"{last["hash"]}"'
digest = hashlib.sha256(b"authsvc audit record v1\n" + text.encode()).digest()
text += f',"hash":"{base64.urlsafe_b64encode(digest).rstrip(b"=").decode()}"}}}}'
print("\n".join(lines[:2] + lines[3:] + [text]))
PYTHON
both_refuse lines "a removed record, and one without a signature that says it was lost"

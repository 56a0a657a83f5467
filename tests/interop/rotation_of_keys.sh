#!/usr/bin/env bash
# Exchanges the signing key of a running authsvc, and has PyJWT and joserfc verify its tokens with its JWKS before, during
# and after: with the set of the moment, and with one that was fetched before the exchange began and not again.
#
#   tests/interop/rotation_of_keys.sh DIR_OF_BINARIES
#
# PYTHON names a Python that has PyJWT and joserfc. Stops at the first thing that is not as it should be.
# Exit code: 0 when all is well, 1 when not, 2 for wrong usage.
set -euo pipefail

if [[ $# -ne 1 || ! -x $1/authsvc ]]; then
    echo "usage: $0 DIR_OF_BINARIES (a directory with authsvc in it)" >&2
    exit 2
fi
authsvc=$(cd "$1" && pwd)/authsvc
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${PYTHON:-python3}
REQUEST_SECONDS=20

# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/service.sh"

if ! "$python" -c 'import joserfc, jwt' 2>/dev/null; then
    if [[ ${REQUIRE_ALL:-} == 1 ]]; then die "no Python with PyJWT and joserfc: PYTHON=$python"; fi
    echo "skipped  rotation of keys: no Python with PyJWT and joserfc (set PYTHON)"
    exit 0
fi

# ---- the service -----------------------------------------------------------------------------------------------------

start_dev "$authsvc"
public=$(field public_url) issuer=$(field issuer) ca=$(field ca_file) login=$(field login_file)

request() { curl --silent --show-error --fail --max-time "$REQUEST_SECONDS" --cacert "$ca" "$@"; }
# token NAME: a fresh one.
token() {
    request --header content-type:application/json --data "@$login" "$public/v1/auth" | jq -ej .token >"$work/$1" ||
        die "no token"
}
# keys NAME: the key set as it is now.
keys() { request "$public/.well-known/jwks.json" >"$work/$1" || die "no key set"; }
key() { "$authsvc" key "$@" --config "$work/home/authsvc.toml"; }
state_of() { key list --json | jq -er --arg kid "$1" '.keys[] | select(.kid == $kid) | .state'; }

# judged VERDICT TOKEN KEYS WHAT: both libraries accept or refuse it; a refusal is for want of the key.
judged() {
    "$python" "$here/rotation_of_keys.py" "$1" "$work/$2" "$work/$3" "$issuer" demo >"$work/said" 2>&1 ||
        die "$4: $(cat "$work/said")"
    ok "(PyJWT, joserfc) $1: $4"
}
# until WHAT COMMAND...: what a running process takes over is there within a second or two.
until_it_holds() {
    local what=$1
    shift
    for _ in $(seq 100); do
        if "$@"; then return; fi
        sleep 0.1
    done
    die "not in time: $what"
}

# ---- before ----------------------------------------------------------------------------------------------------------

token before.token
keys before.jwks
old=$(jq -er '.keys[0].kid' "$work/before.jwks")
judged accept before.token before.jwks "a token, before the exchange"

# ---- during: published, and not signing ------------------------------------------------------------------------------

key rotate >/dev/null || die "no key is made"
both_published() { keys during.jwks && [[ $(jq '.keys | length' "$work/during.jwks") -eq 2 ]]; }
until_it_holds "two keys are published" both_published
new=$(jq -er --arg old "$old" '.keys[] | select(.kid != $old) | .kid' "$work/during.jwks")
[[ $(state_of "$new") == published ]] || die "the new key is $(state_of "$new")"
token during.token
judged accept before.token during.jwks "an older token with the set of two keys"
judged accept during.token during.jwks "a token from when the next key was published"
judged accept during.token before.jwks "the same with a set that was not fetched again"

# ---- after: the new key signs ----------------------------------------------------------------------------------------

# Ten minutes are not waited for here, nor those who have not fetched it.
key promote "$new" --force >/dev/null || die "the key is not promoted"
signs() { token after.token && "$python" "$here/rotation_of_keys.py" kid "$work/after.token" | grep -qxF -e "$new"; }
until_it_holds "the new key signs" signs
keys after.jwks
for name in before during after; do
    judged accept "$name.token" after.jwks "the token from $name, after the exchange"
    judged accept "$name.token" during.jwks "the token from $name, with the set that was published in time"
done
judged refuse after.token before.jwks "a token of the new key, with a set that never had it"

# ---- a revoked key ---------------------------------------------------------------------------------------------------

key revoke "$old" --reason "a test of its end" >/dev/null || die "the old key is not revoked"
without_old() { keys revoked.jwks && ! jq -e --arg old "$old" '.keys[] | select(.kid == $old)' "$work/revoked.jwks" >/dev/null; }
until_it_holds "the revoked key is gone from the set" without_old
judged refuse before.token revoked.jwks "a token of a revoked key"
judged accept after.token revoked.jwks "a token of the key that signs"

#!/usr/bin/env bash
# Has other JOSE libraries open what ours encrypts, and ours what they encrypt: joserfc, jwcrypto and jose (npm), in
# compact and general JSON serialization, with one and with several recipients. Then what must be refused.
#
#   tests/interop/jwe.sh JWE
#
# JWE is the example program of cryptokit. PYTHON names a Python that has joserfc and jwcrypto, NODE_MODULES a folder
# with jose in it. Stops at the first thing that is not as it should be.
# Exit code: 0 when all is well, 1 when not, 2 for wrong usage.
set -euo pipefail

if [[ $# -ne 1 || ! -x $1 || -z ${NODE_MODULES:-} ]]; then
    echo "usage: NODE_MODULES=FOLDER $0 JWE (cryptokit's example program of that name)" >&2
    exit 2
fi
jwe=$(realpath "$1")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${PYTHON:-python3}

umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

ok() { echo "ok       $*"; }
die() {
    echo "FAILED   $*" >&2
    if [[ -s log ]]; then sed 's/^/         /' log >&2; fi
    exit 1
}

# ours ARGUMENT..., theirs LIBRARY ARGUMENT...: what they print is shown when something fails.
ours() { "$jwe" "$@" >log 2>&1; }
theirs() {
    if [[ $1 == jose ]]; then
        node "$here/jwe.mjs" "$@" >log 2>&1
    else
        "$python" "$here/jwe.py" "$@" >log 2>&1
    fi
}
from_base64url() {
    local text
    text=$(tr '_-' '/+' <<<"$1")
    while ((${#text} % 4)); do text+="="; done
    base64 -d <<<"$text"
}
to_base64url() { base64 -w0 | tr '/+' '_-' | tr -d '='; }
same() { cmp -s plain "$1" || die "$2: opened to something else"; }

ours keygen 2048 alice.der alice.jwk || die "no key of 2048 bits"
ours keygen 3072 bob.der bob.jwk || die "no key of 3072 bits"
ours keygen 2048 mallory.der mallory.jwk || die "no key"
# Bytes of every value, and none that a text mode would leave alone.
for code in {0..255}; do printf '%b' "\\x$(printf %02x "$code")"; done >plain
: >empty

for library in joserfc jwcrypto jose; do
    for bits in 2048 3072 4096; do
        key=$library-$bits
        theirs "$library" keygen "$bits" "$key.pem" "$key.jwk" || die "$library makes no key"
        ours encrypt compact plain message "$key.jwk" || die "ours does not encrypt to a key of $library"
        theirs "$library" decrypt compact message opened "$key.pem" || die "$library refuses our compact message"
        same opened "$library, compact, $bits"
    done
    ok "$library opens our compact messages at 2048, 3072 and 4096 bits"

    key=$library-2048
    ours encrypt json plain message alice.jwk "$key.jwk" bob.jwk || die "ours does not encrypt to three recipients"
    theirs "$library" decrypt json message opened "$key.pem" || die "$library refuses our JSON message"
    same opened "$library, JSON"
    for who in alice bob; do
        ours decrypt json message opened "$who.der" || die "$who does not open our JSON message"
        same opened "$who, JSON"
    done
    ok "$library opens our JSON message to three recipients, and so do the others"

    for form in compact json; do
        theirs "$library" encrypt "$form" RSA-OAEP-256 plain message alice.jwk bob.jwk ||
            die "$library makes no $form message"
        ours decrypt "$form" message opened mallory.der alice.der || die "ours refuses the $form message of $library"
        same opened "ours, $form of $library"
        if ours decrypt "$form" message opened mallory.der; then die "opened with a key it is not for"; fi
    done
    ours decrypt json message opened bob.der || die "ours refuses as the second recipient"
    same opened "ours, second recipient"
    ok "ours opens compact and JSON messages of $library, as each of the recipients"

    theirs "$library" encrypt compact RSA-OAEP-256 empty message alice.jwk || die "$library encrypts no empty text"
    ours decrypt compact message opened alice.der || die "ours refuses the empty text of $library"
    cmp -s empty opened || die "the empty text opened to something else"
    ours encrypt compact empty message "$key.jwk" || die "ours encrypts no empty text"
    # jwcrypto 1.6.1 takes an empty plaintext for a failure, its own included.
    if [[ $library != jwcrypto ]]; then
        theirs "$library" decrypt compact message opened "$key.pem" || die "$library refuses our empty text"
        cmp -s empty opened || die "our empty text opened to something else"
    fi
    ok "the empty text of and for $library"

    theirs "$library" encrypt compact RSA-OAEP plain message alice.jwk || die "$library knows no RSA-OAEP"
    if ours decrypt compact message opened alice.der; then die "RSA-OAEP with SHA-1 is accepted"; fi
    ok "RSA-OAEP with SHA-1 from $library refused"

    # The control for the refusals below: unaltered it opens.
    ours encrypt compact plain message "$key.jwk" || die "ours does not encrypt"
    theirs "$library" decrypt compact message opened "$key.pem" || die "$library refuses our message"
    IFS=. read -r header wrapped iv text tag <message || [[ -n $tag ]]
    altered=A
    if [[ $text == A* ]]; then altered=B; fi
    printf '%s.%s.%s.%s%s.%s' "$header" "$wrapped" "$iv" "$altered" "${text:1}" "$tag" >altered
    if theirs "$library" decrypt compact altered opened "$key.pem"; then die "$library opens an altered message"; fi
    # Without the commitment in the header the tag no longer fits: it is protected.
    bare=$(from_base64url "$header" | jq -jc 'del(."cryptokit-commitment")' | to_base64url)
    printf '%s.%s.%s.%s.%s' "$bare" "$wrapped" "$iv" "$text" "$tag" >altered
    if theirs "$library" decrypt compact altered opened "$key.pem"; then die "the commitment is not protected"; fi
    ok "$library refuses our message altered, and with its commitment taken out"

    # Sign, then encrypt: their library decrypts, then verifies the inner signature.
    ours sign-encrypt plain message bob.der "$key.jwk" || die "ours does not sign and encrypt"
    theirs "$library" decrypt compact message inner "$key.pem" || die "$library refuses our signed message"
    theirs "$library" verify inner opened bob.jwk || die "$library refuses the inner signature"
    same opened "$library, signed"
    if theirs "$library" verify inner opened alice.jwk; then die "verified with another key"; fi
    ok "$library opens and verifies our signed message"
done

theirs joserfc encrypt-zip plain message alice.jwk || die "joserfc does not compress"
if ours decrypt compact message opened alice.der; then die "a compressed message is accepted"; fi
ok "a compressed message refused"
echo "jwe: all as it should be"

#!/usr/bin/env bash
# Has OpenSSL, GnuTLS and jwcrypto read the keys that cryptokit writes, and cryptokit read theirs: RSA, P-256, P-384 and
# Ed25519, encrypted and not, in PEM, DER and JWK.
#
#   tests/interop/keys.sh DIR_OF_BINARIES
#
# PYTHON names a Python that has jwcrypto. A tool that is missing is named and skipped; with REQUIRE_ALL=1 in the
# environment it is a failure. Exit code: 0 when nothing failed, 1 when something did, 2 for wrong usage.
set -euo pipefail

if [[ $# -ne 1 || ! -x $1/examples/convert_key ]]; then
    echo "usage: $0 DIR_OF_BINARIES (a directory with examples/convert_key in it)" >&2
    exit 2
fi
convert_key=$(cd "$1" && pwd)/examples/convert_key
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${PYTHON:-python3}

umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
passed=0 failed=0 skipped=0

# report STATUS TITLE: counts, and on a failure shows what the tool said.
report() {
    if [[ $1 == ok ]]; then
        passed=$((passed + 1))
        echo "ok       $2"
    else
        failed=$((failed + 1))
        echo "FAILED   $2"
        sed 's/^/         /' said
    fi
}

accepts() {
    local title="$1"
    shift
    if "$@" >said 2>&1; then report ok "$title"; else report bad "$title"; fi
}

# A reader that accepts everything would pass every other check here.
refuses() {
    local title="refuses $1"
    shift
    if "$@" >said 2>&1; then report bad "$title"; else report ok "$title"; fi
}

# refuses_by_name NAME COMMAND...: and says the name.
refuses_by_name() {
    local title="refuses $1 by name"
    if ! "${@:2}" >said 2>&1 && grep -q -- "$1" said; then report ok "$title"; else report bad "$title"; fi
}

# available NAME COMMAND...: false, and on record, when the command fails.
available() {
    local name=$1
    shift
    if "$@" >/dev/null 2>&1; then return 0; fi
    if [[ ${REQUIRE_ALL:-} == 1 ]]; then
        failed=$((failed + 1))
        echo "FAILED   $name is not installed and REQUIRE_ALL=1"
    else
        skipped=$((skipped + 1))
        echo "skipped  $name is not installed"
    fi
    return 1
}

# Keys of this run only; so is the passphrase, which is why it may stand on command lines.
printf 'R\303\244bbit 1' >passphrase
pass=$(cat passphrase)
printf 'rabbit' >wrong

# ours FROM TO IN OUT: converts a key.
ours() { "$convert_key" "$1" "$2" passphrase <"$3" >"$4"; }

# opens FROM FILE KEY: reads a file and compares the private key with OpenSSL's plain PKCS#8 of it.
opens() { ours "$1" der "$2" out.der && cmp out.der "$3.der"; }

with_wrong_passphrase() { "$convert_key" "$1" der wrong <"$2"; }

if available openssl openssl version; then
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem 2>/dev/null
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out p256.pem
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out p384.pem
    openssl genpkey -algorithm ED25519 -out ed25519.pem
    openssl pkey -in rsa.pem -traditional -out rsa.traditional
    openssl ec -in p256.pem -out p256.traditional 2>/dev/null
    openssl ec -in p384.pem -out p384.traditional 2>/dev/null

    for key in rsa p256 p384 ed25519; do
        openssl pkcs8 -topk8 -nocrypt -in "$key.pem" -outform DER -out "$key.der"
        openssl pkey -in "$key.pem" -pubout -out "$key.public.pem"
        accepts "(OpenSSL to us) $key PKCS#8 PEM" opens pem "$key.pem" "$key"
        accepts "(OpenSSL to us) $key PKCS#8 DER" opens der "$key.der" "$key"
        if [[ -f $key.traditional ]]; then
            accepts "(OpenSSL to us) $key traditional" opens pem "$key.traditional" "$key"
        fi
        for options in \
            "-v2 aes-256-cbc" \
            "-v2 aes-256-cbc -v2prf hmacWithSHA1" \
            "-v2 aes-192-cbc -v2prf hmacWithSHA512 -iter 10000" \
            "-v2 aes-128-cbc -v2prf hmacWithSHA256 -iter 600000" \
            "-scrypt" "-scrypt -scrypt_N 4096 -scrypt_r 4 -scrypt_p 3"; do
            # shellcheck disable=SC2086 # several options in one word
            openssl pkcs8 -topk8 -in "$key.pem" -passout "pass:$pass" $options -out "$key.encrypted"
            accepts "(OpenSSL to us) $key, $options" opens encrypted-pem "$key.encrypted" "$key"
        done
        refuses "$key with a wrong passphrase" with_wrong_passphrase encrypted-pem "$key.encrypted"

        # From here on the files are ours.
        ours pem encrypted-pem "$key.pem" "$key.ours"
        ours pem encrypted-der "$key.pem" "$key.ours.der"
        ours pem pem "$key.pem" "$key.ours.plain"
        ours pem public-pem "$key.pem" "$key.ours.public"
        for file in "$key.ours:PEM" "$key.ours.der:DER"; do
            accepts "(us to OpenSSL) $key encrypted ${file#*:}" openssl pkcs8 -topk8 -nocrypt -in "${file%:*}" -inform "${file#*:}" \
                -passin "pass:$pass" -outform DER -out opened.der
            accepts "(us to OpenSSL) $key encrypted ${file#*:} is the same key" cmp opened.der "$key.der"
        done
        refuses "(us to OpenSSL) $key with a wrong passphrase" openssl pkey -in "$key.ours" -passin pass:rabbit -noout
        accepts "(us to OpenSSL) $key plain" openssl pkey -in "$key.ours.plain" -check -noout
        accepts "(us to OpenSSL) $key public" cmp "$key.ours.public" "$key.public.pem"
        ours public-pem public-pem "$key.public.pem" again.pem
        accepts "(OpenSSL to us) $key public" cmp again.pem "$key.public.pem"
    done

    openssl pkcs8 -topk8 -in p256.pem -passout "pass:$pass" -v2 des3 -out des3
    refuses_by_name "3DES" ours encrypted-pem pem des3 out
    openssl pkcs8 -topk8 -in p256.pem -passout "pass:$pass" -v1 PBE-SHA1-3DES -out pbe
    refuses "PKCS#12 encryption" ours encrypted-pem pem pbe out
    openssl ec -in p256.pem -aes256 -passout "pass:$pass" -out traditional 2>/dev/null
    refuses_by_name "Proc-Type" ours encrypted-pem pem traditional out
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp521r1 -out p521.pem
    refuses "P-521" ours pem der p521.pem out
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out rsa1024.pem 2>/dev/null
    refuses "RSA-1024" ours pem der rsa1024.pem out
    openssl ec -in p256.pem -conv_form compressed -out compressed.pem 2>/dev/null
    refuses "a compressed public half" ours pem der compressed.pem out
fi

if available certtool certtool --version; then
    public_half() { certtool --load-privkey "$1" --password="$pass" --pubkey-info --outfile "$2"; }
    same_public_half() {
        public_half "$1" theirs.public && ours "$2" public-pem "$1" ours.public &&
            cmp <(sed -n '/BEGIN/,$p' theirs.public) ours.public
    }
    for kind in rsa:--bits=2048 ecdsa:--curve=secp256r1 ecdsa:--curve=secp384r1 ed25519:--bits=256; do
        for cipher in aes-128 aes-192 aes-256; do
            certtool --generate-privkey --key-type="${kind%%:*}" "${kind#*:}" --pkcs8 --pkcs-cipher=$cipher \
                --password="$pass" --outfile gnutls.pem 2>/dev/null
            accepts "(GnuTLS to us) $kind, $cipher" same_public_half gnutls.pem encrypted-pem
        done
        ours encrypted-pem encrypted-pem gnutls.pem ours.pem
        accepts "(us to GnuTLS) $kind encrypted" same_public_half ours.pem encrypted-pem
        ours encrypted-pem pem gnutls.pem ours.plain
        accepts "(us to GnuTLS) $kind plain" certtool --key-info --infile ours.plain
        refuses "(us to GnuTLS) $kind with a wrong passphrase" certtool --load-privkey ours.pem --password=rabbit --pubkey-info
        certtool --generate-privkey --key-type="${kind%%:*}" "${kind#*:}" --no-text --outfile gnutls.plain 2>/dev/null
        accepts "(GnuTLS to us) $kind plain" ours pem der gnutls.plain out.der
    done
    certtool --generate-privkey --key-type=ecdsa --pkcs8 --pkcs-cipher=3des --password="$pass" --outfile 3des 2>/dev/null
    refuses_by_name 3DES ours encrypted-pem pem 3des out
fi

if available jwcrypto "$python" -c "import jwcrypto"; then
    if "$python" "$here/keys.py" "$convert_key"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
fi

echo "keys: $passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 ]]

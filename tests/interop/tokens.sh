#!/usr/bin/env bash
# Starts authsvc, logs in, and has other implementations judge the token: PyJWT, and OpenSSL with a key built from the
# JWKS. Then plays the service that asks about the token over mTLS, and the ones that may not.
#
#   tests/interop/tokens.sh DIR_OF_BINARIES
#
# PYTHON names a Python that has PyJWT and cryptography. Stops at the first thing that is not as it should be.
# Exit code: 0 when all is well, 1 when not, 2 for wrong usage.
set -euo pipefail

if [[ $# -ne 1 || ! -x $1/authsvc || ! -x $1/certgen ]]; then
    echo "usage: $0 DIR_OF_BINARIES (a directory with authsvc and certgen in it)" >&2
    exit 2
fi
binaries=$(cd "$1" && pwd)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${PYTHON:-python3}

STOP_SECONDS=30
REQUEST_SECONDS=20

# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/service.sh"

# ---- the service -----------------------------------------------------------------------------------------------------

start_dev "$binaries/authsvc"
public=$(field public_url) internal=$(field internal_url) issuer=$(field issuer)
ca=$(field ca_file) cert=$(field client_cert_file) key=$(field client_key_file) login=$(field login_file)
[[ $issuer == "$public" ]] || die "the issuer $issuer is not where the service is: $public"
ok "authsvc dev listens"

# request OUTPUT URL [CURL ARGUMENT...]: the status, or 000 when there was no HTTP answer; the body goes to OUTPUT.
request() {
    local output=$1 url=$2
    shift 2
    curl --silent --max-time "$REQUEST_SECONDS" --cacert "$ca" --output "$output" --write-out '%{http_code}' \
        "$@" "$url" || true
}
json=(--header 'content-type: application/json')
mtls=(--cert "$cert" --key "$key")

# ---- a token ---------------------------------------------------------------------------------------------------------

status=$(request "$work/login" "$public/v1/auth" "${json[@]}" --data "@$login" --dump-header "$work/headers")
[[ $status == 200 ]] || die "a login is answered with $status"
grep -qi '^cache-control:.*no-store' "$work/headers" || die "the answer to a login may be stored"
jq -er .token "$work/login" | tr -d '\n' >"$work/token"
jq -e '.token_type == "Bearer" and .expires_in > 0 and (.expires_at | fromdateiso8601) > now' "$work/login" \
    >/dev/null || die "the answer to a login lacks token_type, expires_in or expires_at"
ok "a login gives a token"

status=$(request "$work/jwks" "$public/.well-known/jwks.json")
[[ $status == 200 ]] || die "the JWKS is answered with $status"
ok "the public keys are served"

# ---- judged by PyJWT -------------------------------------------------------------------------------------------------

# question TOKEN_FILE: the body that asks about it, in a file: tokens are no arguments.
question() { jq -Rc '{token: .}' "$1" >"$work/question"; }

question "$work/token"
status=$(request "$work/active" "$internal/v1/validate-token" "${json[@]}" "${mtls[@]}" --data "@$work/question")
[[ $status == 200 ]] || die "the demo service's question about a good token is answered with $status"
jq -e '.active == true' "$work/active" >/dev/null || die "a good token is not called active"
audience=$(jq -er '.aud | if type == "array" then .[0] else . end' "$work/active")
ok "the demo service is told over mTLS that the token is good"

"$python" "$here/tokens.py" verify --token "$work/token" --jwks "$work/jwks" --issuer "$issuer" --audience "$audience" ||
    die "PyJWT does not agree"

# ---- judged by OpenSSL -----------------------------------------------------------------------------------------------

from_base64url() {
    local text=$1
    while ((${#text} % 4)); do text+='='; done
    basenc --base64url --decode <<<"$text"
}
to_base64url() { basenc --base64url --wrap=0 | tr -d '='; }
hexadecimal() { od -An -v -t x1 | tr -d ' \n'; }

# public_key KID: the JWKS' modulus and exponent as a SubjectPublicKeyInfo (RFC 8017 §A.1.1, RFC 5280 §4.1).
public_key() {
    local jwk n e
    jwk=$(jq -ec --arg kid "$1" '.keys[] | select(.kid == $kid)' "$work/jwks") || die "the JWKS lacks the key $1"
    n=$(from_base64url "$(jq -er .n <<<"$jwk")" | hexadecimal)
    e=$(from_base64url "$(jq -er .e <<<"$jwk")" | hexadecimal)
    cat >"$work/spki.cnf" <<SPKI
asn1 = SEQUENCE:spki
[spki]
algorithm = SEQUENCE:algorithm
key = BITWRAP,SEQUENCE:key
[algorithm]
identifier = OID:rsaEncryption
parameters = NULL
[key]
modulus = INTEGER:0x$n
exponent = INTEGER:0x$e
SPKI
    openssl asn1parse -genconf "$work/spki.cnf" -noout -out "$work/spki.der"
    openssl pkey -pubin -inform DER -in "$work/spki.der" -out "$work/public.pem"
}

IFS=. read -r header payload signature <"$work/token" || [[ -n $signature ]] || die "the token has not three parts"
kid=$(from_base64url "$header" | jq -er .kid)
public_key "$kid"
printf '%s.%s' "$header" "$payload" >"$work/signed"
from_base64url "$signature" >"$work/signature"
openssl_verifies() {
    openssl dgst -sha256 -verify "$work/public.pem" -signature "$work/signature" "$1" >/dev/null 2>&1
}
openssl_verifies "$work/signed" || die "OpenSSL refuses the signature"
ok "(openssl) the signature, with a key built from the JWKS"
printf '%s.%sA' "$header" "$payload" >"$work/altered"
if openssl_verifies "$work/altered"; then die "OpenSSL accepts the signature over another text: the check is none"; fi
ok "(openssl) refused over another text"

# ---- tokens that are not good ----------------------------------------------------------------------------------------

# refused TITLE TOKEN_FILE
refused() {
    local status
    question "$2"
    status=$(request "$work/refusal" "$internal/v1/validate-token" "${json[@]}" "${mtls[@]}" --data "@$work/question")
    [[ $status == 401 ]] || die "$1 is answered with $status"
    jq -e '.status == 401 and (.active? != true)' "$work/refusal" >/dev/null || die "$1: not a problem document"
    ok "401 for $1"
}

openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$work/foreign.pem" 2>/dev/null ||
    die "OpenSSL made no key"
printf '%s.%s.%s' "$header" "$payload" \
    "$(openssl dgst -sha256 -sign "$work/foreign.pem" "$work/signed" | to_base64url)" >"$work/foreign"
refused "a token signed by OpenSSL with a foreign key" "$work/foreign"

"$python" "$here/tokens.py" forge --token "$work/token" --key "$work/foreign.pem" --out "$work/forged" ||
    die "PyJWT made no tokens"
refused "a token signed by PyJWT with a foreign key under our kid" "$work/forged/our-kid"
refused "a token signed by PyJWT with a foreign key under its own kid" "$work/forged/own-kid"
refused "an unsigned token" "$work/forged/none"

# ---- callers that get no answer --------------------------------------------------------------------------------------

# unanswered TITLE [CURL ARGUMENT...]
unanswered() {
    local title=$1 tls status
    shift
    question "$work/token"
    for tls in 1.2 1.3; do
        status=$(request "$work/none" "$internal/v1/validate-token" "${json[@]}" --tlsv1.2 --tls-max "$tls" \
            --data "@$work/question" "$@")
        [[ $status == 000 ]] || die "$title, TLS $tls: answered with $status"
        # The control: with the right certificate, the same request is answered.
        status=$(request "$work/none" "$internal/v1/validate-token" "${json[@]}" --tlsv1.2 --tls-max "$tls" \
            --data "@$work/question" "${mtls[@]}")
        [[ $status == 200 ]] || die "TLS $tls does not work at all: $status"
    done
    ok "no HTTP answer $title"
}

unanswered "without a client certificate"
"$binaries/certgen" init other --out "$work/other" --client demo=demo.internal >/dev/null 2>&1 ||
    die "certgen made no other CA"
unanswered "with the certificate of another CA" \
    --cert "$work/other/demo/fullchain.pem" --key "$work/other/demo/key.pem"

# handshake URL [ARGUMENT...]: OpenSSL's own rules would keep old versions from being offered; they are off here.
handshake() {
    local address=${1#https://}
    shift
    timeout "$REQUEST_SECONDS" openssl s_client -connect "$address" -CAfile "$ca" -verify_return_error \
        -cipher 'ALL:@SECLEVEL=0' "$@" </dev/null >"$work/handshake" 2>&1
}

for url in "$public" "$internal"; do
    handshake "$url" -tls1_2 -cert "$cert" -key "$key" || die "TLS 1.2 is refused by $url"
    if handshake "$url" -tls1_1 -cert "$cert" -key "$key"; then die "TLS 1.1 is accepted by $url"; fi
    # Refused by the service, not by OpenSSL before anything was sent.
    grep -Eq 'alert (protocol version|handshake failure)' "$work/handshake" ||
        die "no alert from $url for TLS 1.1: $(cat "$work/handshake")"
    ok "TLS 1.1 refused by $url"
done

# ---- the end ---------------------------------------------------------------------------------------------------------

kill -TERM "$server"
timeout "$STOP_SECONDS" tail --pid="$server" -f /dev/null || die "authsvc still runs $STOP_SECONDS s after SIGTERM"
status=0
wait "$server" || status=$?
server=
[[ $status -eq 0 ]] || die "authsvc ends with status $status on SIGTERM"
ok "SIGTERM ends authsvc with status 0"

for secret in "$(cat "$work/token")" "$(jq -r .password "$login")"; do
    if grep -qF -e "$secret" "$work/server.log"; then die "a secret is in the log"; fi
done
ok "neither token nor password is in the log"
echo "tokens: all as it should be"

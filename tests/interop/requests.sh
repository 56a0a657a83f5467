#!/usr/bin/env bash
# Has other people's tools read the certification requests that certgen makes, and make the ones that it signs: OpenSSL,
# with more in a request than is granted, and Java's keytool, which takes the reply.
#
#   tests/interop/requests.sh DIR_OF_BINARIES
#
# A tool that is missing is named and skipped; with REQUIRE_ALL=1 in the environment it is a failure.
# Exit code: 0 when nothing failed, 1 when something did, 2 for wrong usage.
set -euo pipefail

if [[ $# -ne 1 || ! -x $1/certgen ]]; then
    echo "usage: $0 DIR_OF_BINARIES (a directory with certgen in it)" >&2
    exit 2
fi
certgen=$(cd "$1" && pwd)/certgen

# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/report.sh"

pki=$work/pki
export CERTGEN_CA=$pki
accepts "(certgen) an authority" "$certgen" init requests --out "$pki" --client worker

if available openssl; then
    for kind in p256 p384 ed25519 rsa-2048; do
        "$certgen" csr "$kind.svc.internal" 10.0.0.7 spiffe://svc.internal/x --key "$kind" --out-key "$work/$kind.key" \
            --out "$work/$kind.csr" >/dev/null
        accepts "(openssl) a request of $kind" openssl req -in "$work/$kind.csr" -verify -noout
    done
    # OpenSSL signs requests of P-384 with SHA-256, and this one asks to be an authority.
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -sha256 -keyout "$work/evil.key" -subj "/CN=evil" \
        -addext "subjectAltName=DNS:evil.svc.internal,DNS:good.svc.internal" \
        -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=keyCertSign" -out "$work/evil.csr" 2>/dev/null
    refuses "(certgen) more than is granted" "$certgen" sign "$work/evil.csr" --server --name evil \
        --allow-name good.svc.internal
    accepts "(certgen) what is granted" "$certgen" sign "$work/evil.csr" --server --name evil \
        --allow-name good.svc.internal --yes
    accepts "(openssl) it as a server of the granted name" openssl verify -x509_strict -purpose sslserver \
        -verify_hostname good.svc.internal -trusted "$pki/root.pem" -untrusted "$pki/evil/chain.pem" \
        "$pki/evil/certificate.pem"
    refuses "(openssl) it under the other name" openssl verify -verify_hostname evil.svc.internal \
        -trusted "$pki/root.pem" -untrusted "$pki/evil/chain.pem" "$pki/evil/certificate.pem"
    accepts "(openssl) no authority" grep -q "CA:FALSE" <(openssl x509 -in "$pki/evil/certificate.pem" -noout -text)
    accepts "(certgen) its renewal without the key" "$certgen" renew evil
    accepts "(openssl) the same key in it" cmp <(openssl pkey -in "$work/evil.key" -pubout) \
        <(openssl x509 -in "$pki/evil/certificate.pem" -noout -pubkey)
fi

if available keytool; then
    keytool -genkeypair -alias java -keyalg EC -groupname secp256r1 -dname CN=java.svc.internal -storetype PKCS12 \
        -keystore "$work/java.p12" -storepass secret1 >/dev/null 2>&1
    keytool -certreq -alias java -keystore "$work/java.p12" -storepass secret1 -ext san=dns:java.svc.internal \
        -file "$work/java.csr" >/dev/null 2>&1
    accepts "(certgen) Java's request" "$certgen" sign "$work/java.csr" --client --out "$work/java.pem" \
        --allow-name java.svc.internal
    keytool -importcert -noprompt -alias root -file "$pki/root.pem" -keystore "$work/java.p12" -storepass secret1 \
        >/dev/null 2>&1
    # It imports a reply only when the chain leads to a root that it has, and the key is the one of the request.
    accepts "(keytool) the reply" keytool -importcert -noprompt -alias java -file "$work/java.pem" \
        -keystore "$work/java.p12" -storepass secret1
fi

echo "requests: $passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 ]]

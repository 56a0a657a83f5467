#!/usr/bin/env bash
# Has other people's tools judge what certgen does with certificates after they were made: OpenSSL and Java make the
# requests that it signs and read those that it makes; OpenSSL, GnuTLS and pkilint read its revocation lists.
#
#   tests/interop/lifecycle.sh DIR_OF_BINARIES
#
# A tool that is missing is named and skipped; with REQUIRE_ALL=1 in the environment it is a failure.
# Exit code: 0 when nothing failed, 1 when something did, 2 for wrong usage.
set -euo pipefail

if [[ $# -ne 1 || ! -x $1/certgen ]]; then
    echo "usage: $0 DIR_OF_BINARIES (a directory with certgen in it)" >&2
    exit 2
fi
certgen=$1/certgen

# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/report.sh"

pki=$work/pki
export CERTGEN_CA=$pki
accepts "(certgen) an authority" "$certgen" init lifecycle --out "$pki" --server api=api.svc.internal \
    --client worker=worker.svc.internal --client ops=ops.svc.internal --peer mesh=spiffe://svc.internal/mesh

# with_lists NAME: as a peer that looks up every certificate of the chain.
with_lists() {
    openssl verify -x509_strict -crl_check_all -CRLfile "$pki/crl.pem" -trusted "$pki/root.pem" \
        -untrusted "$pki/$1/chain.pem" "$pki/$1/certificate.pem"
}
without_lists() {
    openssl verify -x509_strict -trusted "$pki/root.pem" -untrusted "$pki/$1/chain.pem" "$pki/$1/certificate.pem"
}
number_of() {
    openssl crl -in "$pki/$1.crl.pem" -noout -crlnumber
}

if available openssl; then
    accepts "(certgen) the first lists" "$certgen" crl
    for name in api worker mesh; do
        accepts "(openssl) $name with empty lists" with_lists "$name"
    done
    for authority in root intermediate; do
        accepts "(openssl) the signature of the list of $authority" openssl crl -in "$pki/$authority.crl.pem" -noout \
            -CAfile "$pki/$authority.pem"
        accepts "(openssl) the list of $authority in DER" cmp \
            <(openssl crl -inform DER -in "$pki/$authority.crl.der") <(openssl crl -in "$pki/$authority.crl.pem")
    done
    before=$(number_of intermediate)
    accepts "(certgen) a revocation" "$certgen" revoke worker --reason keyCompromise
    refuses "(openssl) what is revoked" with_lists worker
    accepts "(openssl) the others" with_lists api
    accepts "(openssl) a number above the one before" [ "$before" != "$(number_of intermediate)" ]
    accepts "(certgen) a new key" "$certgen" rekey worker
    accepts "(openssl) the new certificate" with_lists worker
    cp -r "$pki/ops" "$work/ops.before"
    accepts "(certgen) a new key, the old one revoked" "$certgen" rekey ops --revoke-old --key p384
    accepts "(openssl) the new certificate of P-384" with_lists ops
    refuses "(openssl) the one before" openssl verify -crl_check_all -CRLfile "$pki/crl.pem" -trusted "$pki/root.pem" \
        -untrusted "$pki/ops/chain.pem" "$work/ops.before/certificate.pem"
    accepts "(certgen) a renewal" "$certgen" renew api
    accepts "(openssl) the renewed certificate" with_lists api
    accepts "(openssl) its key" cmp <(openssl pkey -in "$pki/api/key.pem" -pubout) \
        <(openssl x509 -in "$pki/api/certificate.pem" -noout -pubkey)

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

    accepts "(certgen) the revocation of an authority" "$certgen" revoke intermediate --reason cACompromise
    refuses "(openssl) everything below it" with_lists api
    accepts "(openssl) everything below it, for those who read no list" without_lists api
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

if available certtool; then
    accepts "(certtool) the list" certtool --crl-info --infile "$pki/intermediate.crl.pem"
    accepts "(certtool) the signature of the list" certtool --verify-crl --load-ca-certificate "$pki/intermediate.pem" \
        --infile "$pki/intermediate.crl.pem"
    refuses "(certtool) it as another authority's" certtool --verify-crl --load-ca-certificate "$pki/root.pem" \
        --infile "$pki/intermediate.crl.pem"
fi

if available lint_crl; then
    for authority in root intermediate; do
        accepts "(pkilint) the list of $authority" lint_crl lint -t CRL -p PKIX -s NOTICE "$pki/$authority.crl.pem"
    done
fi

echo "lifecycle: $passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 ]]

#!/usr/bin/env bash
# Has other people's verifiers judge one of everything that cryptokit makes, with every kind of key: certificates of
# every profile, name constraints, cross-certificates, requests and revocation lists.
#
#   tests/interop/x509.sh JUDGED_PKI
#
# JUDGED_PKI is the example of that name in cryptokit. A tool that is missing is named and skipped; with REQUIRE_ALL=1
# in the environment it is a failure. Exit code: 0 when nothing failed, 1 when something did, 2 for wrong usage.
set -euo pipefail

if [[ $# -ne 1 || ! -x $1 ]]; then
    echo "usage: $0 JUDGED_PKI" >&2
    exit 2
fi

# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/report.sh"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/judges.sh"

pki=$work/pki
accepts "(cryptokit) a PKI of every kind of key" "$1" "$pki"
keys=(p256 p384 ed25519 rsa2048 rsa3072 rsa4096)

verify() {
    local key=$1
    shift
    openssl verify -x509_strict -trusted "$pki/$key/root.pem" -untrusted "$pki/$key/issuing.pem" "$@"
}

if available openssl; then
    for key in "${keys[@]}"; do
        at=$pki/$key
        cat "$at/root.crl.pem" "$at/issuing.crl.pem" >"$at/crls.pem"
        crls=(-crl_check_all -CRLfile "$at/crls.pem")
        accepts "(openssl) $key: server, with lists" verify "$key" "${crls[@]}" -purpose sslserver \
            -verify_hostname api.svc.internal "$at/server.pem"
        accepts "(openssl) $key: client by e-mail, with lists" verify "$key" "${crls[@]}" -purpose sslclient \
            -verify_email worker@svc.internal "$at/client.pem"
        accepts "(openssl) $key: X509-SVID" verify "$key" -purpose sslclient "$at/spiffe.pem"
        accepts "(openssl) $key: the revoked one without lists" verify "$key" "$at/revoked.pem"
        refuses "(openssl) $key: the revoked one" verify "$key" "${crls[@]}" "$at/revoked.pem"
        refuses "(openssl) $key: without the root's list" verify "$key" -crl_check_all \
            -CRLfile "$at/issuing.crl.pem" "$at/server.pem"
        accepts "(openssl) $key: by the cross-certificate" openssl verify -x509_strict \
            -trusted "$at/other-root.pem" -untrusted "$at/cross.pem" "$at/server.pem"
        accepts "(openssl) $key: the list in DER" openssl crl -inform DER -in "$at/issuing.crl.der" \
            -CAfile "$at/issuing.pem" -verify -noout
        for request in "$at"/*.csr.pem; do
            accepts "(openssl) $key: $(basename "$request")" openssl req -in "$request" -verify -noout
        done
    done
fi

if available certtool; then
    for key in "${keys[@]}"; do
        at=$pki/$key
        certtool_verify() {
            certtool --verify --load-ca-certificate "$at/root.pem" --infile "$at/$1.fullchain.pem" "${@:2}"
        }
        accepts "(certtool) $key: server" certtool_verify server --verify-hostname api.svc.internal \
            --verify-purpose 1.3.6.1.5.5.7.3.1
        accepts "(certtool) $key: client" certtool_verify client --verify-purpose 1.3.6.1.5.5.7.3.2
        accepts "(certtool) $key: server, with its list" certtool_verify server --load-crl "$at/issuing.crl.pem"
        refuses "(certtool) $key: the revoked one" certtool_verify revoked --load-crl "$at/issuing.crl.pem"
        accepts "(certtool) $key: the list" certtool --verify-crl --load-ca-certificate "$at/issuing.pem" \
            --infile "$at/issuing.crl.pem"
    done
fi

if have_pkilint; then
    for key in "${keys[@]}"; do
        at=$pki/$key
        for name in root issuing cross server client spiffe revoked; do
            accepts "(pkilint) $key: $name" lints "$at/$name.pem"
        done
        accepts "(pkilint) $key: root and issuing" lints_pair "$at/root.pem" "$at/issuing.pem"
        accepts "(pkilint) $key: issuing and server" lints_pair "$at/issuing.pem" "$at/server.pem"
        for list in root issuing; do
            accepts "(pkilint) $key: list of $list" lints_list "$at/$list.crl.pem"
        done
    done
fi

echo "x509: $passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 ]]

#!/usr/bin/env bash
# Has other people's verifiers judge what certgen makes: OpenSSL, GnuTLS and pkilint, each as far as it is installed.
#
#   tests/interop/certificates.sh DIR_OF_BINARIES
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
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/judges.sh"

pki=$work/pki
accepts "(certgen) every kind of name" "$certgen" init interop --out "$pki" --organization "Größe & Co" --country DE \
    --server "api=api.svc.internal,*.apps.svc.internal,10.0.0.5,2001:db8::1" \
    --server "address=10.0.0.6" \
    --client "worker=worker.svc.internal,https://svc.internal/worker,worker@svc.internal" \
    --peer "mesh=mesh.svc.internal,spiffe://svc.internal/mesh" \
    --peer "spiffe=spiffe://svc.internal/nameless"
"$certgen" init other --out "$work/other" >/dev/null 2>&1

verify() {
    openssl verify -x509_strict -trusted "$pki/root.pem" -untrusted "$pki/intermediate.pem" "$@"
}

if available openssl; then
    api=$pki/api/certificate.pem worker=$pki/worker/certificate.pem mesh=$pki/mesh/certificate.pem
    for name in api address mesh spiffe; do
        accepts "(openssl) $name as server" verify -purpose sslserver "$pki/$name/certificate.pem"
    done
    for name in worker mesh spiffe; do
        accepts "(openssl) $name as client" verify -purpose sslclient "$pki/$name/certificate.pem"
    done
    refuses "(openssl) a server as client" verify -purpose sslclient "$api"
    refuses "(openssl) a client as server" verify -purpose sslserver "$worker"
    for host in api.svc.internal web.apps.svc.internal; do
        accepts "(openssl) host $host" verify -purpose sslserver -verify_hostname "$host" "$api"
    done
    for host in other.svc.internal apps.svc.internal a.b.apps.svc.internal; do
        refuses "(openssl) host $host" verify -purpose sslserver -verify_hostname "$host" "$api"
    done
    for address in 10.0.0.5 2001:db8::1; do
        accepts "(openssl) address $address" verify -purpose sslserver -verify_ip "$address" "$api"
    done
    refuses "(openssl) another address" verify -purpose sslserver -verify_ip 10.0.0.6 "$api"
    refuses "(openssl) without the intermediate" openssl verify -x509_strict -trusted "$pki/root.pem" "$mesh"
    refuses "(openssl) under another root" openssl verify -x509_strict -trusted "$work/other/root.pem" \
        -untrusted "$pki/intermediate.pem" "$mesh"
    accepts "(openssl) a day before the end" verify -attime "$(($(date +%s) + 89 * 86400))" "$mesh"
    refuses "(openssl) a day after the end" verify -attime "$(($(date +%s) + 91 * 86400))" "$mesh"
    for key in root intermediate; do
        accepts "(openssl) $key.key.pem" openssl pkey -in "$pki/$key.key.pem" -check -noout
    done
    accepts "(openssl) key.pem" openssl pkey -in "$pki/api/key.pem" -check -noout
fi

if available certtool; then
    accepts "(certtool) api as server" gnutls_verify "$pki" api --verify-purpose "$server_auth" \
        --verify-hostname api.svc.internal
    accepts "(certtool) worker as client" gnutls_verify "$pki" worker --verify-purpose "$client_auth"
    accepts "(certtool) spiffe as client" gnutls_verify "$pki" spiffe --verify-purpose "$client_auth"
    refuses "(certtool) a server as client" gnutls_verify "$pki" api --verify-purpose "$client_auth"
    refuses "(certtool) a client as server" gnutls_verify "$pki" worker --verify-purpose "$server_auth"
    refuses "(certtool) another host" gnutls_verify "$pki" api --verify-hostname other.svc.internal
    refuses "(certtool) under another root" certtool --verify --load-ca-certificate "$work/other/root.pem" \
        --infile "$pki/api/fullchain.pem"
fi

if have_pkilint; then
    for file in root.pem intermediate.pem {api,address,worker,mesh,spiffe}/certificate.pem; do
        accepts "(pkilint) $file" lints "$pki/$file"
    done
    accepts "(pkilint) root and intermediate" lints_pair "$pki/root.pem" "$pki/intermediate.pem"
    for name in api address worker mesh spiffe; do
        accepts "(pkilint) intermediate and $name" lints_pair "$pki/intermediate.pem" "$pki/$name/certificate.pem"
    done
    refuses "(pkilint) a pair that does not belong together" lints_pair "$work/other/root.pem" "$pki/intermediate.pem"
fi

echo "certificates: $passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 ]]

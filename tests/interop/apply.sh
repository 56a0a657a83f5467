#!/usr/bin/env bash
# Has OpenSSL judge what `certgen apply` makes and mends: the manifest that it prints itself, services with each kind of
# key, files lost, names changed, a revocation, and the exchange of the root. After each run every service's chain
# verifies, with its lists, its key is its certificate's, and a second run finds nothing to do.
#
#   tests/interop/apply.sh DIR_OF_BINARIES
#
# A tool that is missing is named and skipped; with REQUIRE_ALL=1 in the environment it is a failure. Exit code: 0 when
# nothing failed, 1 when something did, 2 for wrong usage.
set -euo pipefail

if [[ $# -ne 1 || ! -x $1/certgen ]]; then
    echo "usage: $0 DIR_OF_BINARIES (a directory with certgen in it)" >&2
    exit 2
fi
certgen=$(cd "$1" && pwd)/certgen

# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/report.sh"
cd "$work"
umask 077

# openssl_accepts HOME SERVICE PURPOSE: chain, lists, and key of a service, as they lie in its directory.
openssl_accepts() {
    local home=$1 dir=$1/$2
    openssl verify -x509_strict -crl_check_all -CRLfile "$home/crl.pem" -purpose "$3" -trusted "$dir/ca.pem" \
        -untrusted "$dir/chain.pem" "$dir/certificate.pem" || return
    cmp <(openssl pkey -in "$dir/key.pem" -pubout) <(openssl x509 -in "$dir/certificate.pem" -noout -pubkey) || return
    cmp "$dir/fullchain.pem" <(cat "$dir/certificate.pem" "$dir/chain.pem")
}

# applied TITLE MANIFEST SERVICE...: applies, finds nothing more to do, and has the services judged as servers.
applied() {
    local title=$1 manifest=$2 service
    shift 2
    accepts "(certgen) $title" "$certgen" apply "$manifest"
    accepts "(certgen) $title, and then agrees" "$certgen" apply "$manifest" --check
    for service in "$@"; do
        accepts "(openssl) $title: $service" openssl_accepts pki "$service" sslserver
    done
}

if available openssl; then
    mkdir example && "$certgen" apply --example >example/pki.toml
    accepts "(certgen) the manifest that it prints" "$certgen" apply example/pki.toml
    accepts "(openssl) its server" openssl_accepts example/pki api sslserver
    accepts "(openssl) its peer as a client" openssl_accepts example/pki worker sslclient
    accepts "(openssl) its SPIFFE service" openssl_accepts example/pki billing sslserver

    kinds=(p256 p384 ed25519 rsa-2048)
    {
        printf 'version = 1\n[authority]\nname = "judged"\npermit = ["dns:svc.internal"]\n[issuing.edge]\nkey = "p384"\n[crl]\n'
        for kind in "${kinds[@]}"; do
            printf '[services.%s]\nkey = "%s"\nnames = ["%s.svc.internal"]\nissuer = "edge"\n' "$kind" "$kind" "$kind"
        done
        printf '[services.other]\nnames = ["other.svc.internal"]\n'
    } >pki.toml
    applied "each kind of key" pki.toml "${kinds[@]}" other

    rm pki/p256/certificate.pem pki/p384/key.pem pki/ed25519/chain.pem
    : >pki/other/ca.pem
    applied "lost files" pki.toml "${kinds[@]}" other

    cp pki/other/certificate.pem old.pem
    sed 's/"other.svc.internal"/"another.svc.internal"/' pki.toml >changed.toml
    printf '[[revoked]]\nserial = "%s"\n' "$(openssl x509 -in old.pem -noout -serial | cut -d= -f2)" >>changed.toml
    applied "another name, and the old certificate revoked" changed.toml "${kinds[@]}" other
    refuses "(openssl) the revoked certificate" openssl verify -crl_check_all -CRLfile pki/crl.pem -trusted pki/root.pem \
        -untrusted pki/intermediate.pem old.pem
    accepts "(openssl) the new name" openssl verify -trusted pki/root.pem -untrusted pki/intermediate.pem \
        -verify_hostname another.svc.internal pki/other/certificate.pem

    accepts "(certgen) another root is begun" "$certgen" rotate-ca begin --root --ca pki
    applied "two roots" changed.toml "${kinds[@]}" other
    accepts "(certgen) the old root is taken out" "$certgen" rotate-ca finish --root --ca pki
    applied "the new root alone" changed.toml "${kinds[@]}" other
fi

echo
echo "$passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 ]]

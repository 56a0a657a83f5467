#!/usr/bin/env bash
# Has OpenSSL, GnuTLS, NSS, Java and pkilint look on while the keys of authorities are exchanged: at each stage every service must
# be good to those who trust the old root and to those who trust the new one, whether or not it has been renewed.
#
#   tests/interop/rotation.sh DIR_OF_BINARIES
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

tools=()
for tool in openssl certtool certutil javac; do
    if available "$tool"; then tools+=("$tool"); fi
done
pkilint=no
if have_pkilint; then pkilint=yes; fi

does() { accepts "(certgen) ${*/$work\//}" "$certgen" "$@"; }

# judge ACCEPTS|REFUSES STAGE HOME SERVICE ROOT: what each tool says to a service when ROOT is what it trusts.
judge() {
    local tool trusted=$5 title
    title="$2: $4 by $(basename "$5" .pem)"
    for tool in "${tools[@]}"; do
        case $tool in
            openssl) "$1" "(openssl) $title" openssl_verify "$3" "$4" -purpose sslserver ;;
            certtool) "$1" "(certtool) $title" gnutls_verify "$3" "$4" --verify-purpose "${server_auth:?}" ;;
            certutil) "$1" "(certutil) $title" nss_verify "$3" "$4" V ;;
            javac) "$1" "(java) $title" java_validate "$3" "$4" - ;;
        esac
    done
}

clean() {
    local file
    if [[ $pkilint == no ]]; then return; fi
    for file in "$@"; do
        case $file in
            *.crl.pem) accepts "(pkilint) ${file#"$work/"}" lints_list "$file" ;;
            *) accepts "(pkilint) ${file#"$work/"}" lints "$file" ;;
        esac
    done
}

# With limits on names: Java fails where two certificates between a service's and the root have them for IPv4 and IPv6.
home=$work/root
does init rotated --out "$home" --service api=api.svc.internal --service late=late.svc.internal --permit-dns svc.internal
cp "$home/root.pem" "$work/old.pem"
cp -R "$home" "$work/before"

does rotate-ca begin --root --ca "$home"
cp "$home/root.pem" "$work/new.pem"
clean "$home"/{root,root.old,intermediate,intermediate.old,root.cross,root.old.cross}.pem
if [[ $pkilint == yes ]]; then
    accepts "(pkilint) the old root and the new one that it signed" lints_pair "$home/root.old.pem" "$home/root.cross.pem"
    accepts "(pkilint) the new root and the old one that it signed" lints_pair "$home/root.pem" "$home/root.old.cross.pem"
fi
for root in old new; do
    judge accepts "begun" "$home" api "$work/$root.pem"
done
does renew --ca "$home" api
clean "$home/api/certificate.pem"
for service in api late; do
    for root in old new; do
        judge accepts "one renewed" "$home" "$service" "$work/$root.pem"
    done
done
does crl --ca "$home"
clean "$home"/{root,root.old,intermediate,intermediate.old}.crl.pem
for service in api late; do
    accepts "(openssl) $service with the lists of all" openssl verify -x509_strict -crl_check_all -CRLfile "$home/crl.pem" \
        -trusted "$home/$service/ca.pem" -untrusted "$home/$service/chain.pem" "$home/$service/certificate.pem"
done

does renew --ca "$home" late
does rotate-ca finish --root --ca "$home"
for service in api late; do
    judge accepts "finished" "$home" "$service" "$work/new.pem"
    accepts "(openssl) finished: $service by its own ca.pem" openssl verify -x509_strict \
        -trusted "$home/$service/ca.pem" -untrusted "$home/$service/chain.pem" "$home/$service/certificate.pem"
    accepts "finished: only the new root is in ${service}'s ca.pem" cmp "$home/$service/ca.pem" "$work/new.pem"
done
judge refuses "finished" "$home" late "$work/old.pem"
judge refuses "finished, what was before" "$work/before" late "$work/new.pem"

# Whoever has the old key, and the certificate that led to it, is stopped by the list that it is on.
does crl --ca "$home"
if [[ " ${tools[*]} " == *" openssl "* ]]; then
    cat "$home"/retired/root.old.cross-*.pem "$work/before/intermediate.pem" >"$work/way-back.pem"
    way_back() { openssl verify -trusted "$work/new.pem" -untrusted "$work/way-back.pem" "$@" "$work/before/api/certificate.pem"; }
    accepts "(openssl) the way back to the old root, without lists" way_back
    is_revoked() { { way_back -crl_check_all -CRLfile "$home/crl.pem" 2>&1 || true; } | grep "certificate revoked"; }
    accepts "(openssl) that the way back to the old root is revoked" is_revoked
fi

home=$work/issuing
does init rotated --out "$home" --service api=api.svc.internal
does rotate-ca begin --issuing intermediate --ca "$home"
judge accepts "issuing, begun" "$home" api "$home/root.pem"
does renew --ca "$home" api
judge accepts "issuing, renewed" "$home" api "$home/root.pem"
does rotate-ca finish --issuing intermediate --ca "$home"
judge accepts "issuing, finished" "$home" api "$home/root.pem"
clean "$home"/intermediate.pem "$home/api/certificate.pem"

echo "rotation: $passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 ]]

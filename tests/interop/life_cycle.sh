#!/usr/bin/env bash
# Has OpenSSL, GnuTLS, NSS, Java and pkilint judge everything that certgen makes in the life of an authority, with keys of every
# kind: what init makes, revocation lists before and after something is revoked, renewed and rekeyed services, requests that
# it signs, further authorities, limits on names that hold for whoever has the key, and encrypted keys.
#
#   tests/interop/life_cycle.sh DIR_OF_BINARIES
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

judges=()
for tool in openssl certtool certutil javac; do
    if available "$tool"; then judges+=("$tool"); fi
done
if have_pkilint; then judges+=(pkilint); fi

# judged_by TOOL KIND [ROLE]: NSS 3.87 knows no Ed25519 in certificates. Of an RSA key of a server its certutil wants
# keyEncipherment, for the key exchange that TLS 1.3 has not and rustls never had; certgen grants digitalSignature.
judged_by() {
    [[ " ${judges[*]} " == *" $1 "* ]] || return
    case "$*" in
        "certutil ed25519"* | "certutil rsa-"*" server") return 1 ;;
    esac
}

# welcome KIND HOME SERVICE ROLE...: every judge takes it in these roles, server or client, and no list speaks against it.
welcome() {
    local kind=$1 home=$2 service=$3 role title
    for role in "${@:4}"; do
        title="$(basename "$home"): $service as $role"
        if judged_by openssl "$kind"; then
            accepts "(openssl) $title" openssl_verify "$home" "$service" -purpose "ssl$role" -crl_check_all \
                -CRLfile "$home/crl.pem"
        fi
        if judged_by certtool "$kind"; then
            local purpose=${role}_auth
            accepts "(certtool) $title" gnutls_verify "$home" "$service" --verify-purpose "${!purpose}" \
                --load-crl "$home/intermediate.crl.pem"
        fi
        if judged_by certutil "$kind" "$role"; then
            local usage=V
            if [[ $role == client ]]; then usage=C; fi
            accepts "(certutil) $title" nss_verify "$home" "$service" "$usage" with-lists
        fi
    done
    if judged_by javac "$kind"; then
        accepts "(java) $(basename "$home"): $service" java_validate "$home" "$service" "$home/crl.pem"
    fi
}

# unwelcome KIND HOME SERVICE: every judge refuses it with the lists, although nothing else is wrong with it.
unwelcome() {
    local kind=$1 home=$2 service=$3 title
    title="$(basename "$home"): $service, revoked"
    if judged_by openssl "$kind"; then
        accepts "(openssl) $title, without lists" openssl_verify "$home" "$service"
        refuses "(openssl) $title" openssl_verify "$home" "$service" -crl_check_all -CRLfile "$home/crl.pem"
        says "revoked"
    fi
    if judged_by certtool "$kind"; then
        accepts "(certtool) $title, without lists" gnutls_verify "$home" "$service"
        refuses "(certtool) $title" gnutls_verify "$home" "$service" --load-crl "$home/intermediate.crl.pem"
        says "revoked"
    fi
    if judged_by certutil "$kind" server; then
        accepts "(certutil) $title, without lists" nss_verify "$home" "$service" V
        refuses "(certutil) $title" nss_verify "$home" "$service" V with-lists
        says "revoked"
    fi
    if judged_by javac "$kind"; then
        accepts "(java) $title, without lists" java_validate "$home" "$service" -
        refuses "(java) $title" java_validate "$home" "$service" "$home/crl.pem"
        says "revoked"
    fi
}

# says WORD: the judge before gave that reason.
says() { accepts "  because it is $1" grep -qi -- "$1" "$work/said_before"; }

# Keeps what a judge said for `says`.
refuses() {
    local title="refuses $1"
    shift
    if "$@" >"$work/said" 2>&1; then report bad "$title"; else report ok "$title"; fi
    cp "$work/said" "$work/said_before"
}

clean() {
    local home=$1 file
    shift
    if [[ " ${judges[*]} " != *" pkilint "* ]]; then return; fi
    for file in "$@"; do
        case $file in
            *.crl.pem) accepts "(pkilint) $(basename "$home"): $file" lints_list "$home/$file" ;;
            *) accepts "(pkilint) $(basename "$home"): $file" lints "$home/$file" ;;
        esac
    done
}

clean_pair() {
    if [[ " ${judges[*]} " != *" pkilint "* ]]; then return; fi
    accepts "(pkilint) $(basename "$1"): $2 and $3" lints_pair "$1/$2" "$1/$3"
}

# does: what certgen does on the way.
does() { accepts "(certgen) $*" "$certgen" "$@"; }

for kind in p256 p384 ed25519 rsa-2048 rsa-3072 rsa-4096; do
    home=$work/$kind
    does init "$kind" --out "$home" --key "$kind" --trust-domain svc.internal --organization "Größe & Co" --country DE \
        --service api=api.svc.internal,10.0.0.5 --server web=web.svc.internal --client worker=worker.svc.internal
    does crl --ca "$home"
    clean "$home" root.pem intermediate.pem {api,web,worker}/certificate.pem {root,intermediate}.crl.pem
    clean_pair "$home" root.pem intermediate.pem
    clean_pair "$home" intermediate.pem api/certificate.pem
    welcome "$kind" "$home" api server client
    does revoke --ca "$home" web --reason keyCompromise
    clean "$home" intermediate.crl.pem
    unwelcome "$kind" "$home" web
    welcome "$kind" "$home" worker client
done

# The rest once: it does not depend on the kind of key.
home=$work/life
does init life --out "$home" --permit-dns svc.internal --permit-ip 10.0.0.0/8 --exclude-dns secret.svc.internal \
    --service api=api.svc.internal,10.0.0.5 --service old=old.svc.internal
clean "$home" root.pem intermediate.pem api/certificate.pem
clean_pair "$home" root.pem intermediate.pem
does crl --ca "$home"
welcome p256 "$home" api server client

does renew --ca "$home" api
does rekey --ca "$home" old --revoke-old
clean "$home" {api,old}/certificate.pem intermediate.crl.pem
welcome p256 "$home" api server client
welcome p256 "$home" old server client

openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/other.key" -subj "/CN=ignored/O=Else" \
    -addext "subjectAltName=DNS:csr.svc.internal,DNS:not.asked.for.svc.internal" -addext "basicConstraints=critical,CA:TRUE" \
    -out "$work/other.csr" 2>/dev/null
does sign --ca "$home" "$work/other.csr" --name csr --server --allow-name csr.svc.internal --yes
clean "$home" csr/certificate.pem
clean_pair "$home" intermediate.pem csr/certificate.pem
welcome p256 "$home" csr server
refuses "(openssl) what was not granted" openssl_verify "$home" csr -verify_hostname not.asked.for.svc.internal

# Its key in the wrong hands: the limits are what everybody else goes by.
if judged_by openssl p256; then
    for name in outside.example secret.svc.internal; do
        mkdir "$home/$name"
        cp "$home/api/chain.pem" "$home/$name/"
        openssl req -new -key "$work/other.key" -subj "/" -out "$work/$name.csr"
        printf '%s\n' subjectAltName=critical,DNS:$name basicConstraints=critical,CA:FALSE keyUsage=critical,digitalSignature \
            extendedKeyUsage=serverAuth,clientAuth subjectKeyIdentifier=hash authorityKeyIdentifier=keyid >"$work/$name.ext"
        openssl x509 -req -in "$work/$name.csr" -CA "$home/intermediate.pem" -CAkey "$home/intermediate.key.pem" -days 30 \
            -CAcreateserial -CAserial "$work/serial" -extfile "$work/$name.ext" -out "$home/$name/certificate.pem" 2>/dev/null
        cat "$home/$name/certificate.pem" "$home/$name/chain.pem" >"$home/$name/fullchain.pem"
        refuses "(openssl) $name" openssl_verify "$home" "$name"
        says "subtree"
        if judged_by certtool p256; then
            refuses "(certtool) $name" gnutls_verify "$home" "$name"
            says "violates the signer's constraints"
        fi
        if judged_by certutil p256; then
            refuses "(certutil) $name" nss_verify "$home" "$name" V
            says "not permitted to issue a certificate with this name"
        fi
        if judged_by javac p256; then
            refuses "(java) $name" java_validate "$home" "$name" -
            says "name constraints"
        fi
    done
fi

does intermediate --ca "$home" second --key p384
does leaf --ca "$home" --issuer second further=further.svc.internal
does crl --ca "$home"
clean "$home" second.pem further/certificate.pem second.crl.pem
clean_pair "$home" root.pem second.pem
clean_pair "$home" second.pem further/certificate.pem
accepts "(openssl) further" openssl_verify "$home" further -purpose sslserver -crl_check_all -CRLfile "$home/crl.pem"
does revoke --ca "$home" second
clean "$home" root.crl.pem
refuses "(openssl) further, its authority revoked" openssl_verify "$home" further -crl_check_all -CRLfile "$home/crl.pem"
says "revoked"
welcome p256 "$home" api server

export PASSPHRASE='correct horse battery'
home=$work/encrypted
does init encrypted --out "$home" --passphrase-env PASSPHRASE --service api=api.svc.internal
for key in root intermediate; do
    if judged_by openssl p256; then
        accepts "(openssl) $key.key.pem" openssl pkey -in "$home/$key.key.pem" -passin env:PASSPHRASE -check -noout
        refuses "(openssl) $key.key.pem by another passphrase" openssl pkey -in "$home/$key.key.pem" -passin pass:wrong -noout
    fi
    if judged_by certtool p256; then
        accepts "(certtool) $key.key.pem" certtool --key-info --infile "$home/$key.key.pem" --password "$PASSPHRASE"
    fi
done
does leaf --ca "$home" --passphrase-env PASSPHRASE further=further.svc.internal
does crl --ca "$home" --passphrase-env PASSPHRASE
welcome p256 "$home" further server client

echo "life cycle: $passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 ]]

# shellcheck shell=bash source-path=SCRIPTDIR
# Sourced, after report.sh, by the scripts that have homes of certgen judged. A home is the directory that `certgen init`
# made; a service is a directory in it. What is trusted is the home's root, unless the variable `trusted` names another file.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export server_auth=1.3.6.1.5.5.7.3.1 client_auth=1.3.6.1.5.5.7.3.2

# Whether pkilint has no finding at NOTICE or above, but for two false alarms. Its URL checker knows web schemes only. Its
# check of DNS names refuses every wildcard, since RFC 5280 §4.2.1.6 leaves their meaning to others (RFC 9525 §6.3).
is_clean() {
    local said
    said=$("$@" 2>&1) || true
    said=$(grep -v -e '^node_path,validator,severity,code,message' -e '^[[:space:]]*$' \
        -e 'pkix.invalid_uri_syntax,.*spiffe://' \
        -e 'pkix.invalid_domain_name_syntax,.*""\*\.apps\.svc\.internal""' <<<"$said" || true)
    if [[ -n $said ]]; then
        echo "$said"
        return 1
    fi
}

have_pkilint() { available lint_pkix_cert && available lint_pkix_signer_signee_cert_chain && available lint_crl; }
lints() { is_clean lint_pkix_cert lint -s NOTICE -f CSV "$1"; }
lints_pair() { is_clean lint_pkix_signer_signee_cert_chain lint -s NOTICE -f CSV "$1" "$2"; }
lints_list() { is_clean lint_crl lint -t CRL -p PKIX -s NOTICE -f CSV "$1"; }

# openssl_verify HOME SERVICE [ARGUMENT...]
openssl_verify() {
    openssl verify -x509_strict -trusted "${trusted:-$1/root.pem}" -untrusted "$1/$2/chain.pem" "${@:3}" "$1/$2/certificate.pem"
}

# gnutls_verify HOME SERVICE [ARGUMENT...]
gnutls_verify() {
    certtool --verify --verify-profile medium --load-ca-certificate "${trusted:-$1/root.pem}" --infile "$1/$2/fullchain.pem" "${@:3}"
}

# nss_verify HOME SERVICE USAGE [with-lists]: V is a server, C a client. A database of its own, as trust is in it.
nss_verify() {
    local database issuer list
    database=sql:$(mktemp -d "${work:?}/nss.XXXXXX")
    certutil -N -d "$database" --empty-password
    certutil -A -d "$database" -n root -t "CT,," -i "${trusted:-$1/root.pem}"
    # It takes the first certificate of a file only.
    csplit --quiet --elide-empty-files --prefix "${database#sql:}/issuer." "$1/$2/chain.pem" '/-BEGIN/' '{*}'
    for issuer in "${database#sql:}"/issuer.*; do
        certutil -A -d "$database" -n "$(basename "$issuer")" -t ",," -i "$issuer"
    done
    certutil -A -d "$database" -n leaf -t ",," -i "$1/$2/certificate.pem"
    if [[ ${4:-} == with-lists ]]; then
        for list in "$1"/*.crl.der; do crlutil -I -d "$database" -i "$list" -t 1; done
    fi
    certutil -V -d "$database" -n leaf -u "$3" -e
}

# java_validate HOME SERVICE CRLS
java_validate() {
    if [[ ! -e $work/java ]]; then javac -d "$work/java" "$here/TlsPeer.java"; fi
    java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$work/java" TlsPeer validate "${trusted:-$1/root.pem}" "$1/$2/fullchain.pem" "$3"
}

#!/usr/bin/env bash
# Holds certgen lint against pkilint: on certificates, each wrong in one point, that OpenSSL makes, both must find it; on
# what certgen makes, neither may find anything.
#
#   tests/interop/lint.sh DIR_OF_BINARIES
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
cd "$work"

# The leaf's extensions when nothing is wrong; each line can be replaced by its name.
usage='keyUsage = critical, digitalSignature'
purpose='extendedKeyUsage = serverAuth'
names='subjectAltName = DNS:api.example.com'
own_key='subjectKeyIdentifier = hash'
issuer_key='authorityKeyIdentifier = keyid'

# make NAME SUBJECT [openssl x509 options...]: NAME.pem from the extensions on standard input.
make() {
    local name=$1 subject=$2
    shift 2
    openssl req -new -key "${key:-ec.key}" -subj "$subject" -out "$name.csr" >/dev/null 2>&1
    openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -set_serial "${serial:-0x7a5b3c2d1e0f99887766}" \
        -days "${days:-90}" -extfile /dev/stdin -out "$name.pem" "$@" >/dev/null 2>&1
}

# found_by_both NAME OUR_LINT THEIR_CODE: a dash where pkilint has no such check of PKIX certificates.
found_by_both() {
    local name=$1 ours=$2 theirs=$3
    accepts "(certgen) $ours in $name" has_finding "$ours" "$name.pem"
    if [[ $have_pkilint == 1 && $theirs != - ]]; then
        accepts "(pkilint) $theirs in $name" they_find "$theirs" "$name.pem"
    fi
}

has_finding() {
    local said
    said=$("$certgen" lint --json "$2" --issuer ca.pem) && return 1
    printf '%s\n' "$said"
    grep -q "\"id\":\"$1\"" <<<"$said"
}

they_find() {
    local said
    said=$(lint_pkix_cert lint -s NOTICE -f CSV "$2" 2>&1) || true
    printf '%s\n' "$said"
    grep -q ",$1," <<<"$said" || grep -q ",$1\$" <<<"$said"
}

they_find_nothing() {
    local said
    said=$(lint_pkix_cert lint -s NOTICE -f CSV "$1" 2>&1) || true
    printf '%s\n' "$said"
    ! grep -v -e '^node_path,validator,severity,code,message' -e '^[[:space:]]*$' <<<"$said" | grep -q .
}

if ! available openssl; then
    echo "lint: $passed passed, $failed failed, $skipped skipped"
    [[ $failed -eq 0 ]]
    exit
fi
have_pkilint=0
if available lint_pkix_cert; then have_pkilint=1; fi

openssl ecparam -name prime256v1 -genkey -noout -out ca.key
openssl ecparam -name prime256v1 -genkey -noout -out ec.key
openssl genrsa -out rsa.key 2048 2>/dev/null
openssl genrsa -out short.key 1024 2>/dev/null
openssl req -x509 -new -key ca.key -subj "/CN=Judged CA" -days 365 -out ca.pem \
    -addext "basicConstraints = critical, CA:TRUE" -addext "keyUsage = critical, keyCertSign, cRLSign" \
    -addext "subjectKeyIdentifier = hash" >/dev/null 2>&1

make good /CN=api.example.com <<<"$usage"$'\n'"$purpose"$'\n'"$names"$'\n'"$own_key"$'\n'"$issuer_key"
accepts "(certgen) nothing in what is right" "$certgen" lint good.pem ca.pem
if [[ $have_pkilint == 1 ]]; then
    accepts "(pkilint) nothing in what is right" they_find_nothing good.pem
fi

# spoilt NAME OUR_LINT THEIR_CODE [lines of extensions...]: one certificate, found by both.
spoilt() {
    local name=$1 ours=$2 theirs=$3
    shift 3
    make "$name" "${subject:-/CN=api.example.com}" "${options[@]}" < <(printf '%s\n' "$@")
    found_by_both "$name" "$ours" "$theirs"
}
options=()
rest=("$purpose" "$names" "$own_key" "$issuer_key")

spoilt ec-encipherment ec_key_usage - "keyUsage = critical, digitalSignature, keyEncipherment" "${rest[@]}"
spoilt usage-not-critical key_usage_not_critical pkix.key_usage_extension_not_critical \
    "keyUsage = digitalSignature" "${rest[@]}"
spoilt cert-sign-no-ca cert_sign_without_ca - "keyUsage = critical, digitalSignature, keyCertSign" "${rest[@]}"
spoilt no-own-key leaf_without_ski pkix.certificate_skid_end_entity_missing \
    "$usage" "$purpose" "$names" "subjectKeyIdentifier = none" "$issuer_key"
spoilt no-issuer-key aki_missing pkix.authority_key_identifier_extension_absent \
    "$usage" "$purpose" "$names" "$own_key" "authorityKeyIdentifier = none"
spoilt own-key-method ski_method pkix.unknown_subject_key_identifier_calculation_method \
    "$usage" "$purpose" "$names" "subjectKeyIdentifier = 0102030405060708090a0b0c0d0e0f1011121314" "$issuer_key"
spoilt ca-not-critical ca_not_critical pkix.basic_constraints_extension_not_critical \
    "basicConstraints = CA:TRUE" "keyUsage = critical, keyCertSign" "$own_key" "$issuer_key"
spoilt ca-no-usage ca_without_key_usage pkix.ca_certificate_no_ku_extension \
    "basicConstraints = critical, CA:TRUE" "$own_key" "$issuer_key"
spoilt path-length path_length_without_ca - "basicConstraints = critical, CA:FALSE, pathlen:0" "$usage" "${rest[@]}"
spoilt san-critical san_critical - "$usage" "$purpose" "subjectAltName = critical, DNS:api.example.com" "$own_key" "$issuer_key"
subject=/ spoilt san-not-critical san_not_critical - "$usage" "${rest[@]}"
spoilt underscore dns_name_underscore - \
    "$usage" "$purpose" "subjectAltName = DNS:my_api.example.com" "$own_key" "$issuer_key"
spoilt two-labels-apart dns_name_malformed pkix.invalid_domain_name_syntax \
    "$usage" "$purpose" "subjectAltName = DNS:a..example.com" "$own_key" "$issuer_key"
spoilt no-scheme uri_malformed pkix.invalid_uri_syntax \
    "$usage" "$purpose" "subjectAltName = URI:example" "$own_key" "$issuer_key"
spoilt no-mailbox email_malformed pkix.invalid_email_address_syntax \
    "$usage" "$purpose" "subjectAltName = email:nobody" "$own_key" "$issuer_key"
spoilt constraints-not-critical name_constraints_not_critical pkix.certificate_name_constraints_extension_not_critical \
    "basicConstraints = critical, CA:TRUE" "keyUsage = critical, keyCertSign" "$own_key" "$issuer_key" \
    "nameConstraints = permitted;DNS:example.com"
spoilt constraints-on-leaf name_constraints_on_leaf - "$usage" "${rest[@]}" \
    "nameConstraints = critical, permitted;DNS:example.com"
spoilt no-names san_missing - "$usage" "$purpose" "$own_key" "$issuer_key"
spoilt any-purpose eku_any - "$usage" "extendedKeyUsage = anyExtendedKeyUsage" "$names" "$own_key" "$issuer_key"
spoilt unknown-critical critical_unknown - "$usage" "${rest[@]}" "1.3.6.1.4.1.99999.1 = critical, ASN1:NULL"
spoilt access-critical aia_critical pkix.authority_information_access_extension_critical "$usage" "${rest[@]}" \
    "authorityInfoAccess = critical, OCSP;URI:http://ocsp.example.com"
serial=0 spoilt serial-zero serial_not_positive pkix.certificate_serial_number_out_of_range "$usage" "${rest[@]}"
serial=0x7a5b3c2d1e0f998877665544332211009988776655 spoilt serial-long serial_too_long \
    pkix.certificate_serial_number_out_of_range "$usage" "${rest[@]}"
serial=5 spoilt serial-short serial_short - "$usage" "${rest[@]}"
days=2000 spoilt long-life validity_long - "$usage" "${rest[@]}"
subject=/C=de/CN=api.example.com spoilt country country_form - "$usage" "${rest[@]}"
subject=/CN=other.example.com spoilt common-name common_name_not_in_san - "$usage" "${rest[@]}"
key=short.key spoilt rsa-short rsa_short - "$usage" "${rest[@]}"
key=rsa.key spoilt rsa-agreement rsa_key_agreement - "keyUsage = critical, digitalSignature, keyAgreement" "${rest[@]}"
options=(-sha1)
spoilt sha-1 weak_signature - "$usage" "${rest[@]}"
options=()
openssl x509 -req -in good.csr -CA ca.pem -CAkey ca.key -set_serial 0x7a5b3c2d1e0f99887766 -out version-1.pem 2>/dev/null
found_by_both version-1 version_not_3 pkix.certificate_version_is_not_v3

# list NAME EXTENSIONS REASON NUMBER: NAME.pem, a revocation list with one entry. NUMBER is a line of the configuration.
list() {
    printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index\ndefault_md=sha256\ncrl_extensions=e\n%s\n[e]\n%s\n' "$4" "$2" >ca.cnf
    printf 'R\t361231000000Z\t260101080000Z%s\t7A5B3C2D1E0F99887766\tunknown\t/CN=x\n' "$3" >index
    echo 07 >number
    openssl ca -config ca.cnf -gencrl -keyfile ca.key -cert ca.pem -crldays 30 -out "$1.pem" 2>/dev/null
}

they_find_in_list() {
    local said
    said=$(lint_crl lint -t CRL -p PKIX -s NOTICE -f CSV "$2" 2>&1) || true
    printf '%s\n' "$said"
    grep -q ",$1," <<<"$said"
}

list good-list authorityKeyIdentifier=keyid "" crlnumber=number
accepts "(certgen) nothing in a list that is right" "$certgen" lint good-list.pem --issuer ca.pem
list no-number authorityKeyIdentifier=keyid "" ""
accepts "(certgen) crl_number_missing" has_finding crl_number_missing no-number.pem
list no-issuer-key "" "" crlnumber=number
accepts "(certgen) aki_missing in a list" has_finding aki_missing no-issuer-key.pem
list unspecified authorityKeyIdentifier=keyid ,unspecified crlnumber=number
accepts "(certgen) crl_reason_unspecified" has_finding crl_reason_unspecified unspecified.pem
if [[ $have_pkilint == 1 ]]; then
    refuses "(pkilint) anything in a list that is right" they_find_in_list 'pkix\..*' good-list.pem
    accepts "(pkilint) a list without number" they_find_in_list pkix.crl_number_missing no-number.pem
    accepts "(pkilint) a list without key identifier" they_find_in_list \
        pkix.authority_key_identifier_missing no-issuer-key.pem
fi

pki=$work/pki
"$certgen" init interop --out "$pki" --server "api=api.svc.internal,10.0.0.5" --client worker=worker.svc.internal \
    --peer mesh=mesh.svc.internal >/dev/null 2>&1
accepts "(certgen) nothing in what certgen makes" "$certgen" lint "$pki/root.pem" "$pki"/{api,worker,mesh}/fullchain.pem
for file in root.pem intermediate.pem {api,worker,mesh}/certificate.pem; do
    if [[ $have_pkilint == 1 ]]; then accepts "(pkilint) nothing in $file" they_find_nothing "$pki/$file"; fi
done

echo "lint: $passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 ]]

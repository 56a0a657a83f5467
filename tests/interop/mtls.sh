#!/usr/bin/env bash
# Has OpenSSL and GnuTLS speak to the internal listener: who gets in, which versions of TLS are spoken, that nothing is
# resumed, and that a revocation by certgen holds from the next handshake on, also for who would resume.
#
#   tests/interop/mtls.sh DIR_OF_BINARIES
#
# Exit code: 0 when all is well, 1 when not, 2 for wrong usage.
set -euo pipefail

if [[ $# -ne 1 || ! -x $1/authsvc || ! -x $1/certgen ]]; then
    echo "usage: $0 DIR_OF_BINARIES (a directory with authsvc and certgen in it)" >&2
    exit 2
fi
binaries=$(cd "$1" && pwd)

HANDSHAKE_SECONDS=20

# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/service.sh"

start_dev "$binaries/authsvc"
ca=$(field ca_file) cert=$(field client_cert_file) key=$(field client_key_file)
internal=$(field internal_url)
port=${internal##*:}
pki=$work/home/pki
certificates=(-cert "$cert" -key "$key" -cert_chain "$cert")

# Each asks for `/` and says what came back, with what its TLS library reports.
openssl_get() {
    printf 'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n' |
        timeout "$HANDSHAKE_SECONDS" openssl s_client -connect "localhost:$port" -servername localhost -CAfile "$ca" \
            -verify_return_error -ign_eof "$@" >"$work/said" 2>&1 || true
}
# gnutls-cli leaves when its input ends, answer or no answer. A client that has been refused ends by itself.
gnutls_get() {
    : >"$work/said"
    # shellcheck disable=SC2094 # looked at while it is written, to see when there is an answer
    {
        printf 'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n'
        for _ in $(seq "$HANDSHAKE_SECONDS"); do
            sleep 1
            if grep -qE '^HTTP/|rror|losed|Terminated' "$work/said"; then break; fi
        done
    } |
        timeout "$HANDSHAKE_SECONDS" gnutls-cli --port "$port" --x509cafile "$ca" "$@" localhost >"$work/said" 2>&1 || true
}
gets_in() {
    local title=$1
    shift
    "$@"
    grep -q '^HTTP/1.1 200' "$work/said" || die "$title"
    ok "$title"
}
is_refused() {
    local title=$1
    shift
    "$@"
    if grep -q '^HTTP/1' "$work/said"; then die "$title"; fi
    ok "$title"
}
# The line that the last refusal left in the log.
says() {
    local title=$1 reason=$2 tries
    for ((tries = 0; tries < 100; tries++)); do
        if grep -q "\"reason\":\"$reason\"" "$work/server.log"; then
            ok "$title"
            return
        fi
        sleep 0.1
    done
    die "$title: no line with $reason"
}

# ---- who gets in, and how -----------------------------------------------------------------------------------------

for version in tls1_2 tls1_3; do
    gets_in "OpenSSL gets in by $version" openssl_get "-$version" "${certificates[@]}"
    is_refused "OpenSSL without a certificate is refused ($version)" openssl_get "-$version"
done
says "and the log says why" no_client_certificate
gets_in "GnuTLS gets in by TLS 1.3" gnutls_get --x509certfile "$cert" --x509keyfile "$key" \
    --priority 'NORMAL:-VERS-ALL:+VERS-TLS1.3'
gets_in "GnuTLS gets in by TLS 1.2" gnutls_get --x509certfile "$cert" --x509keyfile "$key" \
    --priority 'NORMAL:-VERS-ALL:+VERS-TLS1.2'
is_refused "GnuTLS without a certificate is refused" gnutls_get
for version in tls1 tls1_1; do
    is_refused "OpenSSL gets no $version" openssl_get "-$version" -cipher 'ALL:@SECLEVEL=0' "${certificates[@]}"
done
is_refused "GnuTLS gets no TLS 1.1" gnutls_get --x509certfile "$cert" --x509keyfile "$key" \
    --priority 'NORMAL:-VERS-ALL:+VERS-TLS1.1:%UNSAFE_RENEGOTIATION'
is_refused "the server's own certificate is none for a client" openssl_get \
    -cert "$pki/server/fullchain.pem" -key "$pki/server/key.pem" -cert_chain "$pki/server/fullchain.pem"
says "and the log says why" client_certificate_purpose

# A certificate of somebody else's making, whose common name and names are those of the registered service.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj '/CN=demo.internal' \
    -addext 'subjectAltName=DNS:demo.internal' -addext 'extendedKeyUsage=clientAuth' \
    -keyout "$work/own.key" -out "$work/own.pem" >"$work/said" 2>&1
is_refused "a certificate that signed itself is refused" openssl_get -cert "$work/own.pem" -key "$work/own.key"

# Of the right authority, with the service's name as the common name only: let in, and nobody.
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=demo.internal' \
    -keyout "$work/cn.key" -out "$work/cn.csr" >"$work/said" 2>&1
printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\nsubjectAltName=DNS:other.internal\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' >"$work/cn.ext"
openssl x509 -req -in "$work/cn.csr" -CA "$pki/intermediate.pem" -CAkey "$pki/intermediate.key.pem" -days 1 \
    -extfile "$work/cn.ext" -out "$work/cn.pem" >"$work/said" 2>&1 || die "OpenSSL issues no certificate"
status=$(curl --silent --output "$work/body" --write-out '%{http_code}' --cacert "$ca" --cert "$work/cn.pem" --key "$work/cn.key" \
    --header content-type:application/json --data '{"token":"x"}' "$internal/v1/validate-token") || true
[[ $status == 403 ]] || die "a common name makes nobody a registered service: $status"
ok "a common name makes nobody a registered service"

# A certificate that a service's own certificate signed: no authority on the path.
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=child' \
    -keyout "$work/child.key" -out "$work/child.csr" >"$work/said" 2>&1
sed 's/other.internal/demo.internal/' "$work/cn.ext" >"$work/child.ext"
openssl x509 -req -in "$work/child.csr" -CA "$cert" -CAkey "$key" -days 1 -extfile "$work/child.ext" \
    -out "$work/child.pem" >"$work/said" 2>&1 || die "OpenSSL issues no certificate below a service's"
cat "$work/child.pem" "$cert" >"$work/child.chain.pem"
is_refused "a service's certificate is no authority" openssl_get \
    -cert "$work/child.chain.pem" -key "$work/child.key" -cert_chain "$work/child.chain.pem"

# ---- nothing is resumed -----------------------------------------------------------------------------------------------

for version in tls1_2 tls1_3; do
    rm -f "$work/session"
    gets_in "OpenSSL gets in by $version and asks for a session" openssl_get "-$version" "${certificates[@]}" -sess_out "$work/session"
    if grep -q 'TLS session ticket:' "$work/said"; then die "a ticket was issued ($version)"; fi
    ok "no ticket is issued ($version)"
    if [[ -s $work/session ]]; then
        gets_in "a second connection with that session gets in ($version)" openssl_get "-$version" "${certificates[@]}" -sess_in "$work/session"
        grep -q '^New, ' "$work/said" || die "the session was resumed ($version)"
        ok "by a whole handshake ($version)"
    fi
done
gnutls_get --x509certfile "$cert" --x509keyfile "$key" --resume
if grep -qi 'This is a resumed session' "$work/said"; then die "GnuTLS resumed a session"; fi
ok "GnuTLS resumes nothing"

# ---- revocation --------------------------------------------------------------------------------------------------------

"$binaries/certgen" revoke demo --ca "$pki" --reason keyCompromise >"$work/said" 2>&1 || die "certgen revokes nothing"
openssl crl -in "$pki/intermediate.crl.pem" -noout -text >"$work/said"
grep -q 'Key Compromise' "$work/said" || die "OpenSSL does not find the revocation in the list"
kill -HUP "$server"
for ((tries = 0; tries < 100; tries++)); do
    if grep -q '"action":"sys_reload"' "$work/server.log"; then break; fi
    sleep 0.1
done
for version in tls1_2 tls1_3; do
    is_refused "a revoked certificate is refused ($version)" openssl_get "-$version" "${certificates[@]}"
done
if [[ -s $work/session ]]; then
    is_refused "and so is the session from before" openssl_get "${certificates[@]}" -sess_in "$work/session"
fi
is_refused "GnuTLS with it is refused" gnutls_get --x509certfile "$cert" --x509keyfile "$key"
says "and the log says why" client_certificate_revoked
is_refused "nobody without a certificate gets in since" openssl_get
for version in tls1 tls1_1; do
    is_refused "OpenSSL gets no $version since" openssl_get "-$version" -cipher 'ALL:@SECLEVEL=0' "${certificates[@]}"
done
gets_in "whom nobody revoked gets in" openssl_get -cert "$work/cn.pem" -key "$work/cn.key"

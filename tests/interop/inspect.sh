#!/usr/bin/env bash
# Compares what certgen shows of certificates, requests, lists, keys and servers with what OpenSSL shows of them: of files
# that OpenSSL and GnuTLS made, with extensions that certgen itself never writes, and of its own.
#
#   tests/interop/inspect.sh DIR_OF_BINARIES
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

if ! available openssl || ! available jq; then
    echo "$passed passed, $failed failed, $skipped skipped"
    [[ $failed -eq 0 ]] && exit 0 || exit 1
fi

# same TITLE OURS THEIRS
same() {
    printf 'ours   %s\ntheirs %s\n' "$2" "$3" >"$work/said"
    if [[ -n $2 && $2 == "$3" ]]; then report ok "$1"; else report bad "$1"; fi
}

# shows TITLE FILE TEXT...: every text is in what is said of the file.
shows() {
    local title=$1 text missing=()
    "$certgen" inspect "$2" >"$work/shown" 2>&1 || true
    shift 2
    for text in "$@"; do grep -qF -- "$text" "$work/shown" || missing+=("$text"); done
    { printf 'missing: %s\n' "${missing[@]}" && cat "$work/shown"; } >"$work/said"
    if [[ ${#missing[@]} -eq 0 ]]; then report ok "$title"; else report bad "$title"; fi
}

json() { "$certgen" inspect --json "$1" | jq -r "$2"; }

pin_of_public_key() { openssl pkey "$@" -pubout -outform DER | openssl dgst -sha256 -binary | base64 -w0 | sed 's|^|sha256//|'; }

certificate() {
    local name=$1 file=$2 serial
    for hash in sha256 sha1; do
        local option=(); [[ $hash == sha1 ]] && option=(--sha1)
        same "$name: $hash" "$("$certgen" fingerprint "$file" "${option[@]}" 2>/dev/null)" \
            "$(openssl x509 -in "$file" -noout -fingerprint "-$hash" | cut -d= -f2)"
    done
    same "$name: pin" "$("$certgen" fingerprint "$file" --format pin)" \
        "$(openssl x509 -in "$file" -noout -pubkey | pin_of_public_key -pubin)"
    same "$name: x5t#S256" "$("$certgen" fingerprint "$file" --format 'x5t#S256')" \
        "$(openssl x509 -in "$file" -outform DER | openssl dgst -sha256 -binary | base64 -w0 | tr '+/' '-_' | tr -d '=')"
    serial=$(json "$file" '.objects[0].serial' | tr 'a-f' 'A-F' | sed 's/^00//')
    same "$name: serial" "$serial" "$(openssl x509 -in "$file" -noout -serial | cut -d= -f2)"
    same "$name: beginning" "$(json "$file" '.objects[0].not_before' | tr TZ ' Z' | sed 's/Z//')" \
        "$(openssl x509 -in "$file" -noout -startdate -dateopt iso_8601 | sed 's/.*=//; s/Z//')"
    same "$name: end" "$(json "$file" '.objects[0].not_after' | tr TZ ' Z' | sed 's/Z//')" \
        "$(openssl x509 -in "$file" -noout -enddate -dateopt iso_8601 | sed 's/.*=//; s/Z//')"
    for field in subject issuer; do
        same "$name: $field" "$(json "$file" "[.objects[0].${field}_attributes[] | .type + \"=\" + .value] | join(\"|\")")" \
            "$(openssl x509 -in "$file" -noout "-$field" -nameopt sep_multiline,utf8,sname -nameopt -esc_msb |
                tail -n +2 | sed 's/^ *//; s/ + /\n/' | paste -sd'|')"
    done
    # The identifiers of the extensions, in order, however they are called.
    same "$name: extensions" "$(json "$file" '[.objects[0].extensions[].der] | join(" ")')" "$(extension_values "$file")"
}

# The contents of the OCTET STRING of each extension, in order.
extension_values() {
    openssl asn1parse -in "$1" | awk '
        /cont \[ 3 \]/ { inside = 1; depth = substr($0, index($0, "d=") + 2) + 0; next }
        inside && substr($0, index($0, "d=") + 2) + 0 <= depth { inside = 0 }
        inside && /OCTET STRING/ && substr($0, index($0, "d=") + 2) + 0 == depth + 3 {
            sub(/.*\[HEX DUMP\]:/, ""); printf "%s%s", separator, tolower($0); separator = " " }'
}

cat >"$work/openssl.cnf" <<'CONFIGURATION'
[req]
distinguished_name = name
prompt = no
utf8 = yes
string_mask = utf8only
[name]
C = DE
O = Größe & Co
OU = Infrastructure
CN = Another maker
[authority]
basicConstraints = critical, CA:TRUE, pathlen:2
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always, issuer:always
nameConstraints = critical, permitted;DNS:example, permitted;IP:10.0.0.0/255.0.0.0, excluded;email:.evil.example
policyConstraints = requireExplicitPolicy:0, inhibitPolicyMapping:1
inhibitAnyPolicy = 2
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = serverAuth, clientAuth, 1.3.6.1.4.1.99999.7
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:api.example, IP:10.0.0.5, IP:2001:db8::1, URI:spiffe://td.example/api, email:ops@example, RID:1.2.3.4, otherName:1.3.6.1.4.1.311.20.2.3;UTF8:ops@example, dirName:directory
certificatePolicies = 2.23.140.1.2.1, 1.3.6.1.4.1.99999.1, @policy
crlDistributionPoints = URI:http://crl.example/root.crl
authorityInfoAccess = OCSP;URI:http://ocsp.example/, caIssuers;URI:http://ca.example/root.der
tlsfeature = status_request
nsComment = made by another
1.3.6.1.4.1.99999.5 = ASN1:SEQUENCE:odd
1.3.6.1.4.1.99999.6 = critical, DER:cafe
# One timestamp of a log whose key has the identifier 00, 01, … 1f, of 2023-11-14 22:13:20.
1.3.6.1.4.1.11129.2.4.2 = DER:043b00390037000001020304050607 08090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f0000018bcfe56800000004030008300602010102 0101
[directory]
CN = somebody
[odd]
number = INTEGER:5
text = UTF8:hello
[policy]
policyIdentifier = 1.3.6.1.4.1.99999.2
CPS.1 = https://example/cps
userNotice.1 = @notice
[notice]
explicitText = "Nothing is promised."
CONFIGURATION
sed -i '/DER:043b/s/ \([0-9]\)/\1/g; /DER:043b/s/2=DER/2 = DER/' "$work/openssl.cnf"

cd "$work"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ca.key 2>/dev/null
openssl req -x509 -new -key ca.key -config openssl.cnf -extensions authority -days 3650 -out ca.pem
for kind in "rsa RSA -pkeyopt rsa_keygen_bits:2048" "p384 EC -pkeyopt ec_paramgen_curve:P-384" "ed25519 ED25519" \
    "p521 EC -pkeyopt ec_paramgen_curve:P-521" "ed448 ED448"; do
    read -r name algorithm options <<<"$kind"
    # shellcheck disable=SC2086 # the options of a kind are words
    openssl genpkey -algorithm "$algorithm" $options -out "$name.key" 2>/dev/null
    openssl req -new -key "$name.key" -subj "/C=DE/O=Example, Co/OU=a/OU=b/CN=$name.example" -out "$name.csr"
    openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -extfile openssl.cnf -extensions leaf -days 90 \
        -set_serial "0x$(openssl rand -hex 16)" -out "$name.pem" 2>/dev/null
    certificate "(openssl) $name" "$name.pem"
done
certificate "(openssl) an authority" ca.pem
key_identifier=$(openssl x509 -in ca.pem -noout -ext subjectKeyIdentifier | tail -n 1 | tr -d ' ')
shows "(openssl) every extension of an authority in words" ca.pem "$key_identifier" "an authority, path length 2" \
    "keyCertSign, cRLSign" "permits dns:example" "permits ip:10.0.0.0/8" "excludes email:.evil.example" \
    "a policy is required after 0 certificates" "no policy is mapped after 1 certificates" "inhibitAnyPolicy"
shows "(openssl) every extension of a leaf in words" rsa.pem "$key_identifier" "not an authority" \
    "digitalSignature, keyEncipherment" "serverAuth, clientAuth, 1.3.6.1.4.1.99999.7" dns:api.example ip:10.0.0.5 \
    ip:2001:db8::1 uri:spiffe://td.example/api email:ops@example id:1.2.3.4 other:userPrincipalName:ops@example \
    directory:CN=somebody "domain-validated (2.23.140.1.2.1)" 1.3.6.1.4.1.99999.1 "CPS https://example/cps" \
    "userNotice Nothing is promised." uri:http://crl.example/root.crl "OCSP uri:http://ocsp.example/" \
    "caIssuers uri:http://ca.example/root.der" status_request "made by another" \
    'SEQUENCE { INTEGER 5, UTF8String "hello" }' "1.3.6.1.4.1.99999.6, critical" CA:FE \
    "2023-11-14T22:13:20Z log 00:01:02:03:04:05:06:07:08"

openssl req -new -newkey rsa:1024 -nodes -keyout weak.key -subj /CN=weak -out weak.csr 2>/dev/null
openssl x509 -req -in weak.csr -CA ca.pem -CAkey ca.key -sha1 -extfile openssl.cnf -extensions leaf -days 30 \
    -set_serial -5 -out weak.pem 2>/dev/null
shows "(openssl) what is refused, and why" weak.pem "RSA 1024" "ECDSA with SHA-1 can be forged" \
    "its serial number is negative" "every other command of certgen refuses it"

# Lists.
mkdir -p authority && : >authority/index && echo 01 >authority/number
printf '[ca]\ndefault_ca = a\n[a]\ndatabase = authority/index\ncrlnumber = authority/number\ndefault_md = sha256\ndefault_crl_days = 30\ncrl_extensions = c\n[c]\nauthorityKeyIdentifier = keyid\n' >crl.cnf
openssl ca -config crl.cnf -cert ca.pem -keyfile ca.key -revoke rsa.pem -crl_compromise 20260101000000Z 2>/dev/null
openssl ca -config crl.cnf -cert ca.pem -keyfile ca.key -revoke p384.pem 2>/dev/null
openssl ca -config crl.cnf -cert ca.pem -keyfile ca.key -gencrl -out list.pem 2>/dev/null
same "(openssl) list: sha256" "$("$certgen" fingerprint list.pem)" \
    "$(openssl crl -in list.pem -noout -fingerprint -sha256 | cut -d= -f2)"
same "(openssl) list: serials" "$(json list.pem '[.objects[0].revoked[].serial] | join(" ")' | tr a-f A-F | sed 's/\b00//g')" \
    "$(openssl crl -in list.pem -noout -text | sed -n 's/ *Serial Number: //p' | paste -sd' ')"
shows "(openssl) list: reason and dates" list.pem "2 certificates" "keyCompromise, invalidityDate 2026-01-01T00:00:00Z"

# Requests and keys.
same "(openssl) request: pin" "$("$certgen" fingerprint rsa.csr --format pin)" \
    "$(openssl req -in rsa.csr -noout -pubkey | pin_of_public_key -pubin)"
(umask 077 && echo "correct horse" >passphrase)
for name in rsa p384 ed25519; do
    pin=$(pin_of_public_key -in "$name.key")
    same "(openssl) $name key, PKCS#8" "$("$certgen" fingerprint "$name.key" --format pin)" "$pin"
    openssl pkey -in "$name.key" -pubout -out "$name.pub"
    same "(openssl) $name key, public" "$("$certgen" fingerprint "$name.pub" --format pin)" "$pin"
    openssl pkcs8 -topk8 -in "$name.key" -v2 aes-256-cbc -iter 10000 -passout file:passphrase -out "$name.enc"
    shows "(openssl) $name key, encrypted" "$name.enc" "PBKDF2 with HMAC-SHA-256, 10000 iterations; AES-256-CBC"
    same "(openssl) $name key, opened" "$("$certgen" fingerprint "$name.enc" --format pin --passphrase-file passphrase)" "$pin"
    openssl pkcs12 -export -in "$name.pem" -inkey "$name.key" -name "$name" -passout file:passphrase -out "$name.p12"
    same "(openssl) $name key, in PKCS#12" \
        "$("$certgen" fingerprint --json "$name.p12" --format pin --passphrase-file passphrase | jq -r '[.fingerprints[].fingerprint] | unique | join(" ")')" "$pin"
done
openssl pkey -in rsa.key -traditional -out rsa.pkcs1
openssl ec -in p384.key -out p384.sec1 2>/dev/null
openssl rsa -in rsa.key -RSAPublicKey_out -out rsa.pkcs1.pub 2>/dev/null
for form in rsa.pkcs1 rsa.pkcs1.pub p384.sec1; do
    same "(openssl) $form" "$("$certgen" fingerprint "$form" --format pin)" "$(pin_of_public_key -in "${form%%.*}.key")"
done
openssl crl2pkcs7 -nocrl -certfile rsa.pem -certfile ca.pem -out chain.p7b
same "(openssl) PKCS#7" "$("$certgen" inspect --json chain.p7b | jq -r '[.objects[].sha256] | join(" ")')" \
    "$(for file in rsa ca; do openssl x509 -in "$file.pem" -outform DER | openssl dgst -sha256 -r | cut -d' ' -f1; done | paste -sd' ')"

if available certtool; then
    printf 'cn = "certtool"\nca\ncert_signing_key\ncrl_dist_points = "http://crl.example/c.crl"\nuri = "urn:example:1"\nexpiration_days = 30\n' >template
    certtool --generate-self-signed --load-privkey ca.key --template template --outfile certtool.pem 2>/dev/null
    certificate "(certtool) an authority" certtool.pem
    shows "(certtool) its extensions" certtool.pem uri:http://crl.example/c.crl uri:urn:example:1 "an authority"
fi

"$certgen" init inspected --out pki --server api=localhost --client worker >/dev/null 2>&1
for name in root intermediate api/certificate worker/certificate; do certificate "(certgen) $name" "pki/$name.pem"; done

# Servers. Port 0 is not taken by s_server: one that is free is looked for.
serve() {
    local port=$1
    shift
    openssl s_server -accept "$port" -cert pki/api/certificate.pem -cert_chain pki/intermediate.pem -key pki/api/key.pem \
        -quiet "$@" >"$work/server" 2>&1 &
    server=$!
    for _ in $(seq 50); do
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return; fi
        kill -0 "$server" 2>/dev/null || return
        sleep 0.1
    done
}
port=$((20000 + RANDOM % 20000))
for kind in "TLS 1.2|-tls1_2" "TLS 1.3|-tls1_3 -alpn h2" "TLS 1.3|-Verify 2 -CAfile pki/root.pem"; do
    port=$((port + 1))
    # shellcheck disable=SC2086 # the options of a kind are words
    serve "$port" ${kind#*|}
    "$certgen" inspect "localhost:$port" --json --trust pki/root.pem >seen.json 2>&1 || true
    same "(openssl) a server of ${kind/|/ with }" \
        "$(jq -r '[.servers[0].protocol, .servers[0].trust.accepted, (.objects | length), .objects[0].subject] | join(", ")' seen.json)" \
        "${kind%%|*}, true, 2, CN=localhost"
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
done

echo "$passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 ]]

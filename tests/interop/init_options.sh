#!/usr/bin/env bash
# Has other people's programs judge what the options of `certgen init` change: kinds of keys, encrypted keys, limits on
# names, SPIFFE ids and the trust bundle.
#
#   tests/interop/init_options.sh DIR_OF_BINARIES
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

kinds=(p256 p384 ed25519 rsa-2048 rsa-3072)
for kind in "${kinds[@]}"; do
    accepts "(certgen) keys of kind $kind" "$certgen" init "$kind" --out "$work/$kind" --key "$kind" \
        --service api=api.svc.internal,10.0.0.5
done

limited=$work/limited passphrase=$work/passphrase
printf 'größer als ein Pferd\n' >"$passphrase"
chmod 600 "$passphrase"
accepts "(certgen) limits, ids and encrypted keys" "$certgen" init limited --out "$limited" \
    --organization "Größe & Co" --organizational-unit Platform --country DE \
    --service api=api.svc.internal,10.0.0.5 --service worker=worker.svc.internal --trust-domain td.internal \
    --permit-dns svc.internal --permit-ip 10.0.0.0/8 --exclude-dns secret.svc.internal \
    --passphrase-file "$passphrase"
accepts "(certgen) addresses closed" "$certgen" init closed --out "$work/closed" --service api=api.svc.internal \
    --permit-dns svc.internal

# foreign_leaf NAMES: a certificate for these names by the limited intermediate, which certgen would not make.
foreign_leaf() {
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/foreign.key" -subj / \
        -out "$work/foreign.csr"
    printf 'subjectAltName=critical,%s\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n' "$1" \
        >"$work/foreign.ext"
    printf 'authorityKeyIdentifier=keyid\n' >>"$work/foreign.ext"
    openssl x509 -req -in "$work/foreign.csr" -CA "$limited/intermediate.pem" -CAkey "$limited/intermediate.key.pem" \
        -passin "file:$passphrase" -days 1 -extfile "$work/foreign.ext" -out "$work/foreign.pem"
}

verify_foreign() {
    openssl verify -x509_strict -trusted "$limited/root.pem" -untrusted "$limited/intermediate.pem" "$work/foreign.pem"
}

if available openssl; then
    for kind in "${kinds[@]}"; do
        for purpose in sslserver sslclient; do
            accepts "(openssl) $kind as $purpose" openssl_verify "$work/$kind" api -purpose "$purpose"
        done
        for key in root.key.pem api/key.pem; do
            accepts "(openssl) $kind $key" openssl pkey -in "$work/$kind/$key" -check -noout
        done
    done
    for name in api worker; do
        accepts "(openssl) limited $name" openssl_verify "$limited" "$name" -purpose sslserver
    done
    accepts "(openssl) closed api" openssl_verify "$work/closed" api -purpose sslserver
    for key in root intermediate; do
        accepts "(openssl) encrypted $key.key.pem" openssl pkey -in "$limited/$key.key.pem" \
            -passin "file:$passphrase" -check -noout
        refuses "(openssl) $key.key.pem without its passphrase" openssl pkey -in "$limited/$key.key.pem" \
            -passin pass:wrong -noout
    done
    for names in DNS:api.svc.internal,IP:10.9.9.9 DNS:a.b.svc.internal; do
        accepts "(openssl) a foreign leaf" foreign_leaf "$names"
        accepts "(openssl) $names, which is permitted" verify_foreign
    done
    for names in DNS:api.other.internal DNS:secret.svc.internal DNS:a.secret.svc.internal IP:192.168.0.1 IP:2001:db8::1; do
        accepts "(openssl) a foreign leaf" foreign_leaf "$names"
        refuses "(openssl) $names, which is not permitted" verify_foreign
    done
fi

if available certtool; then
    for kind in "${kinds[@]}"; do
        accepts "(certtool) $kind" gnutls_verify "$work/$kind" api --verify-purpose "$server_auth"
    done
    accepts "(certtool) limited api" gnutls_verify "$limited" api --verify-hostname api.svc.internal
    accepts "(certtool) encrypted root.key.pem" certtool --key-info --infile "$limited/root.key.pem" \
        --password "$(cat "$passphrase")"
fi

if have_pkilint; then
    for home in "${kinds[@]}" limited closed; do
        for file in root.pem intermediate.pem api/certificate.pem; do
            accepts "(pkilint) $home $file" lints "$work/$home/$file"
        done
        accepts "(pkilint) $home, root and intermediate" lints_pair "$work/$home/root.pem" "$work/$home/intermediate.pem"
        accepts "(pkilint) $home, intermediate and api" lints_pair "$work/$home/intermediate.pem" \
            "$work/$home/api/certificate.pem"
    done
fi

# The JWK Set of SPIFFE: the root itself, and the key that is in it.
bundle_is_the_root() {
    "${PYTHON:-python3}" - "$1" <<'PYTHON'
import base64, json, pathlib, sys
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

home = pathlib.Path(sys.argv[1])
bundle = json.loads((home / "spiffe-bundle.json").read_text())
root = x509.load_pem_x509_certificate((home / "root.pem").read_bytes())
(entry,) = bundle["keys"]
assert entry["use"] == "x509-svid" and "kid" not in entry and bundle["spiffe_sequence"] > 0
(der,) = entry["x5c"]
assert base64.b64decode(der, validate=True) == root.public_bytes(Encoding.DER)
number = lambda text: int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")
point = root.public_key().public_numbers()
assert (entry["kty"], entry["crv"]) == ("EC", "P-256") and (number(entry["x"]), number(entry["y"])) == (point.x, point.y)
names = root.extensions.get_extension_for_class(x509.SubjectAlternativeName)
assert not names.critical and names.value.get_values_for_type(x509.UniformResourceIdentifier) == ["spiffe://td.internal"]
PYTHON
}

if "${PYTHON:-python3}" -c 'import cryptography' 2>/dev/null; then
    accepts "(pyca) the SPIFFE trust bundle" bundle_is_the_root "$limited"
else
    available "cryptography, a package of Python," || true
fi

echo "init options: $passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 ]]

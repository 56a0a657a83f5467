#!/usr/bin/env bash
# Has other implementations judge what ours make: certificates by OpenSSL and others, TLS with them spoken by OpenSSL,
# Python, Node, Java and rustls, tokens by PyJWT and OpenSSL, and through an exchange of the signing key by PyJWT and
# joserfc, encrypted streams by pyca/cryptography, password hashes by libargon2, bcrypt, libpass, Django and hashlib,
# one-time codes by oathtool and their QR codes by zbarimg, JWE by joserfc, jwcrypto and jose, keys by OpenSSL, GnuTLS and
# jwcrypto.
#
#   tests/interop/run.sh [DIR_OF_BINARIES]
#
# Without the directory, certgen, authsvc and cryptokit's examples are built first. PYTHON names a Python that has what
# .ci/requirements.txt lists, NODE_MODULES a folder with jose from npm in it.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
binaries=${1:-}
if [[ -z $binaries ]]; then
    cd "$here/../.."
    cargo build --locked --package certgen --package authsvc
    cargo build --locked --package certgen --example tls_peer
    cargo build --locked --package cryptokit --example judged_pki
    cargo build --locked --package cryptokit --example stream --example password_hashes --example jwe --example convert_key \
        --example tokens --example one_time_codes
    binaries=${CARGO_TARGET_DIR:-target}/debug
fi
# The scripts change directories.
binaries=$(cd "$binaries" && pwd)

echo "== certificates"
"$here/certificates.sh" "$binaries"
echo "== life cycle"
"$here/life_cycle.sh" "$binaries"
echo "== manifests"
"$here/apply.sh" "$binaries"
echo "== requests"
"$here/requests.sh" "$binaries"
echo "== rotation"
"$here/rotation.sh" "$binaries"
echo "== options of init"
"$here/init_options.sh" "$binaries"
echo "== PKITS"
"$here/pkits.sh" "$binaries"
echo "== bundles"
"$here/bundle.sh" "$binaries"
echo "== inspect"
"$here/inspect.sh" "$binaries"
echo "== lint"
"$here/lint.sh" "$binaries"
echo "== handshakes"
"${PYTHON:-python3}" "$here/handshakes.py" "$binaries/certgen" "$binaries/examples/tls_peer"
echo "== trust stores"
"$here/trust.sh" "$binaries"
echo "== x509"
"$here/x509.sh" "$binaries/examples/judged_pki"
echo "== tokens"
"$here/tokens.sh" "$binaries"
echo "== rotation of keys"
"$here/rotation_of_keys.sh" "$binaries"
echo "== mTLS"
"$here/mtls.sh" "$binaries"
echo "== token algorithms"
"${PYTHON:-python3}" "$here/token_algorithms.py" "$binaries/examples/tokens"
echo "== one-time passwords"
"$here/otp.sh" "$binaries"
echo "== audit records"
"$here/audit.sh" "$binaries"
echo "== encrypted streams"
"$here/streams.sh" "$binaries"
echo "== password hashes"
"${PYTHON:-python3}" "$here/passwords.py" "$binaries/examples/password_hashes"
echo "== JWE"
"$here/jwe.sh" "$binaries/examples/jwe"
echo "== keys"
"$here/keys.sh" "$binaries"

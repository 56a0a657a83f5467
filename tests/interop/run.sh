#!/usr/bin/env bash
# Has other implementations judge what ours make: certificates by OpenSSL and others, tokens by PyJWT and OpenSSL,
# encrypted streams by pyca/cryptography.
#
#   tests/interop/run.sh [DIR_OF_BINARIES]
#
# Without the directory, certgen, authsvc and cryptokit's example `stream` are built first. PYTHON names a Python that has PyJWT and cryptography.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
binaries=${1:-}
if [[ -z $binaries ]]; then
    cd "$here/../.."
    cargo build --locked --package certgen --package authsvc
    cargo build --locked --package cryptokit --example stream
    binaries=${CARGO_TARGET_DIR:-target}/debug
fi

echo "== certificates"
"$here/certificates.sh" "$binaries"
echo "== tokens"
"$here/tokens.sh" "$binaries"
echo "== encrypted streams"
"$here/streams.sh" "$binaries"

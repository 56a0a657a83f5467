#!/usr/bin/env bash
# Has other implementations judge what ours make: certificates by OpenSSL and others, tokens by PyJWT and OpenSSL.
#
#   tests/interop/run.sh [DIR_OF_BINARIES]
#
# Without the directory, certgen and authsvc are built first. PYTHON names a Python that has PyJWT and cryptography.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
binaries=${1:-}
if [[ -z $binaries ]]; then
    cd "$here/../.."
    cargo build --locked --package certgen --package authsvc
    binaries=${CARGO_TARGET_DIR:-target}/debug
fi

echo "== certificates"
"$here/certificates.sh" "$binaries"
echo "== tokens"
"$here/tokens.sh" "$binaries"

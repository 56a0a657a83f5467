#!/usr/bin/env bash
# Runs NIST's Public Key Interoperability Test Suite through certgen verify: see pkits.py.
#
#   tests/interop/pkits.sh DIR_OF_BINARIES
#
# PYTHON names a Python that has cryptography_vectors, in which the suite is. Without it the suite is skipped; with
# REQUIRE_ALL=1 in the environment that is a failure. Exit code: 0 when nothing failed, 1 when something did, 2 for wrong
# usage.
set -euo pipefail

if [[ $# -ne 1 || ! -x $1/certgen ]]; then
    echo "usage: $0 DIR_OF_BINARIES (a directory with certgen in it)" >&2
    exit 2
fi
certgen=$(cd "$1" && pwd)/certgen
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${PYTHON:-python3}

if ! "$python" -c 'import cryptography_vectors' 2>/dev/null; then
    if [[ ${REQUIRE_ALL:-} == 1 ]]; then
        echo "FAILED   $python has no cryptography_vectors and REQUIRE_ALL=1"
        exit 1
    fi
    echo "skipped  $python has no cryptography_vectors"
    exit 0
fi
exec "$python" "$here/pkits.py" "$certgen"

#!/usr/bin/env bash
# Has pyca/cryptography read our encrypted streams, and us read its: Cobblestone-256, message lengths around the chunk's.
# Both refuse what the other cut off.
#
#   tests/interop/streams.sh DIR_OF_BINARIES
#
# The directory has the example `stream` of cryptokit in `examples/`. PYTHON names a Python that has cryptography.
# Stops at the first thing that is not as it should be.
set -euo pipefail

binaries=${1:?usage: streams.sh DIR_OF_BINARIES}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
stream=$binaries/examples/stream

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
key=$work/key

passed() { printf 'ok       %s\n' "$1"; }
failed() {
    printf 'FAILED   %s\n' "$1"
    exit 1
}
theirs() { "${PYTHON:-python3}" "$here/streams.py" "$@"; }

if ! "${PYTHON:-python3}" -c 'import cryptography.cobblestone' 2>/dev/null; then
    if [[ -n ${REQUIRE_ALL:-} ]]; then failed "no Python with cryptography.cobblestone: PYTHON=${PYTHON:-python3}"; fi
    printf 'SKIPPED  streams: no Python with cryptography.cobblestone (set PYTHON)\n'
    exit 0
fi

theirs key "$key"
for length in 0 1 16383 16384 16385 65536 1000003; do
    head -c "$length" /dev/urandom >"$work/message"
    for workers in 0 2; do
        "$stream" encrypt "$key" "$workers" <"$work/message" >"$work/sealed"
        theirs decrypt "$key" <"$work/sealed" | cmp -s - "$work/message" ||
            failed "cryptography does not read our stream of $length bytes"
    done
    passed "cryptography reads our stream of $length bytes"

    theirs encrypt "$key" <"$work/message" >"$work/sealed"
    for workers in 0 2; do
        "$stream" decrypt "$key" "$workers" <"$work/sealed" | cmp -s - "$work/message" ||
            failed "we do not read cryptography's stream of $length bytes"
    done
    passed "we read cryptography's stream of $length bytes"
done

# What both must refuse: the last of 1,000,003 bytes' chunks is missing, and then a chunk in the middle is.
size=$(stat -c %s "$work/sealed")
head -c $((size - size % 16400 + 56)) "$work/sealed" >"$work/cut"
{
    head -c $((56 + 16400)) "$work/sealed"
    tail -c +$((56 + 2 * 16400 + 1)) "$work/sealed"
} >"$work/spliced"
for bad in cut spliced; do
    if theirs decrypt "$key" <"$work/$bad" >/dev/null 2>&1; then failed "cryptography accepts a $bad stream"; fi
    if "$stream" decrypt "$key" 0 <"$work/$bad" >/dev/null 2>&1; then failed "we accept a $bad stream"; fi
    passed "both refuse a $bad stream"
done

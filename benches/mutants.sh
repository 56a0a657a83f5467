#!/usr/bin/env bash
# Changes the code in small ways and tells which changes no test notices: cargo-mutants over the token verifier, the
# password verdict and the JWE opener. Takes minutes to hours; run by hand, not by .ci/run.
#
#   benches/mutants.sh              all three
#   benches/mutants.sh tokens       one of tokens, passwords, jwe
#
# Needs `cargo install --locked cargo-mutants@27.1.0`. Survivors are listed with their reasons in benches/README.md.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

declare -A files=(
    [tokens]="cryptokit/src/jose/verifier.rs cryptokit/src/jose/compact.rs"
    [passwords]="cryptokit/src/password/hasher.rs cryptokit/src/password/policy.rs"
    [jwe]="cryptokit/src/jwe/decrypter.rs"
)
declare -A tests=(
    [tokens]="--test=token_verifier --test=revocation_feed"
    [passwords]="--test=passwords"
    [jwe]="--lib --test=jwe"
)

mutate() {
    local arguments=() file test
    for file in ${files[$1]}; do
        [[ -f $file ]] || { echo "error: no $file; has it been renamed?" >&2; exit 1; }
        arguments+=(--file "$file")
    done
    # Given to the build as well, which would otherwise make every test of the crate for each change.
    for test in ${tests[$1]}; do arguments+=("--cargo-arg=$test"); done
    cargo mutants --package cryptokit "${arguments[@]}" --output "target/mutants-$1"
}

chosen=("$@")
if [[ ${#chosen[@]} -eq 0 ]]; then chosen=(tokens passwords jwe); fi
for name in "${chosen[@]}"; do
    [[ -n ${files[$name]:-} ]] || { echo "usage: $0 [tokens] [passwords] [jwe]" >&2; exit 2; }
    mutate "$name"
done

#!/usr/bin/env bash
# Builds every fuzz target and runs each for some seconds, starting from its seed corpus. The corpus is copied first, so
# that what the fuzzer finds stays out of the tree; an input that makes a target fail is printed, in base64.
# Usage: fuzz.sh SECONDS
set -euo pipefail

seconds=${1:?usage: fuzz.sh SECONDS}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The sanitizers need a nightly compiler, or a stable one that is told to behave like one.
toolchain=()
if rustc +nightly --version >/dev/null 2>&1; then
    toolchain=(+nightly)
else
    export RUSTC_BOOTSTRAP=1
fi
rustc "${toolchain[@]}" --version

# cargo fuzz has no --locked; this fails first when the lock file is not up to date.
cargo "${toolchain[@]}" metadata --locked --manifest-path fuzz/Cargo.toml --format-version 1 >/dev/null
cargo "${toolchain[@]}" fuzz build --fuzz-dir fuzz --target-dir "$root/target/fuzz"

host=$(rustc -vV | sed -n 's/^host: //p')
for source in fuzz/fuzz_targets/*.rs; do
    target=$(basename "$source" .rs)
    seeds=fuzz/corpus/$target
    if [ ! -d "$seeds" ] || [ -z "$(ls -A "$seeds")" ]; then
        printf 'error: no seed corpus in %s\n' "$seeds" >&2
        exit 1
    fi
    mkdir -p "$scratch/$target" "$scratch/artifacts"
    cp -R "$seeds/." "$scratch/$target/"
    printf -- '-- %s: %s seeds, %s s\n' "$target" "$(find "$seeds" -type f | wc -l)" "$seconds"
    status=0
    "target/fuzz/$host/release/$target" "$scratch/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="$scratch/artifacts/" >"$scratch/log" 2>&1 || status=$?
    if [ "$status" -ne 0 ]; then
        cat "$scratch/log"
        for artifact in "$scratch"/artifacts/*; do
            if [ -f "$artifact" ]; then
                printf '%s, in base64:\n' "$(basename "$artifact")"
                base64 "$artifact"
            fi
        done
        printf 'error: %s failed, status %s\n' "$target" "$status" >&2
        exit "$status"
    fi
    grep -E '^(Done|#[0-9]+.*(INITED|DONE))' "$scratch/log"
done

#!/usr/bin/env bash
# Builds every fuzz target and runs each for some seconds, starting from its seed corpus, as many at once as there are
# cores: libFuzzer has one thread. The corpus is copied first, so that what the fuzzer finds stays out of the tree. An input
# that makes a target fail is printed, in base64, and the others are ended.
# Usage: fuzz.sh SECONDS
set -euo pipefail

seconds=${1:?usage: fuzz.sh SECONDS}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

scratch=$(mktemp -d)
# The target that each process runs.
declare -A running=()

# A target ends at once when it is killed, and has nothing to put in order.
end() {
    local pid
    for pid in "${!running[@]}"; do
        kill -KILL "$pid" 2>/dev/null || true
    done
    # Nothing is said of them.
    wait 2>/dev/null || true
    rm -rf "$scratch"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

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

start() {
    local target=$1 seeds=fuzz/corpus/$1
    if [ ! -d "$seeds" ] || [ -z "$(ls -A "$seeds")" ]; then
        printf 'error: no seed corpus in %s\n' "$seeds" >&2
        exit 1
    fi
    mkdir -p "$scratch/$target/corpus" "$scratch/$target/artifacts"
    cp -R "$seeds/." "$scratch/$target/corpus/"
    "target/fuzz/$host/release/$target" "$scratch/$target/corpus" -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=2048 -artifact_prefix="$scratch/$target/artifacts/" >"$scratch/$target/log" 2>&1 &
    running[$!]=$target
}

# Waits until any target has ended, and prints what it said.
finish_one() {
    local pid='' status=0 target artifact
    wait -n -p pid "${!running[@]}" || status=$?
    target=${running[$pid]}
    unset "running[$pid]"
    if [ "$status" -ne 0 ]; then
        cat "$scratch/$target/log"
        for artifact in "$scratch/$target"/artifacts/*; do
            if [ -f "$artifact" ]; then
                printf '%s, in base64:\n' "$(basename "$artifact")"
                base64 "$artifact"
            fi
        done
        printf 'error: %s failed, status %s\n' "$target" "$status" >&2
        exit "$status"
    fi
    printf -- '-- %s: %s seeds, %s s\n' "$target" "$(find "fuzz/corpus/$target" -type f | wc -l)" "$seconds"
    grep -E '^(Done|#[0-9]+.*(INITED|DONE))' "$scratch/$target/log"
}

for source in fuzz/fuzz_targets/*.rs; do
    if [ "${#running[@]}" -ge "$(nproc)" ]; then
        finish_one
    fi
    start "$(basename "$source" .rs)"
done
while [ "${#running[@]}" -gt 0 ]; do
    finish_one
done

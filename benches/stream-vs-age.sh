#!/usr/bin/env bash
# How fast is encrypting a file beside age, as whole processes, and in how much memory?
#
#   benches/stream-vs-age.sh [MIB [ROUNDS]]
#
# Encrypts and decrypts a file of MIB (default 1024) random MiB with cryptokit's example `stream`, with 0 and 1 workers, and with
# age to an X25519 recipient, ROUNDS times each (default 5) in turn. From file to file in memory where there is /dev/shm, so
# that no disk is measured, and encryption also with its output thrown away; DIR names another place. Prints the median wall time, user and system time, and the largest
# resident set of any round. Needs age (AGE names the binary, age-keygen beside it), GNU time and a Rust compiler.
set -euo pipefail

mib=${1:-1024} rounds=${2:-5}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
age=${AGE:-$(command -v age)} || { echo "no age: install it or set AGE" >&2 && exit 2; }
gnu_time=$(type -P time || true)
[[ -n $gnu_time ]] || { echo "no GNU time: install the package \`time\`" >&2 && exit 2; }

cd "$root"
cargo build --locked --release --package cryptokit --example stream
stream=${CARGO_TARGET_DIR:-target}/release/examples/stream

shared=/dev/shm
[[ -d $shared ]] || shared=${TMPDIR:-/tmp}
work=$(mktemp -d "${DIR:-$shared}/stream-vs-age.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
case $stream in /*) ;; *) stream=$root/$stream ;; esac

head -c "${mib}M" /dev/urandom >message
head -c 32 /dev/urandom >key
"$(dirname "$age")/age-keygen" -o identity 2>/dev/null
recipient=$(sed -n 's/^# public key: //p' identity)

# measure NAME INPUT OUTPUT COMMAND...: one line in NAME of wall seconds, user + system seconds, peak KiB.
measure() {
    local name=$1 input=$2 output=$3
    shift 3
    [[ $output == /dev/null ]] || rm -f "$output"
    "$gnu_time" -a -o "$name" -f '%e %U %S %M' "$@" <"$input" >"$output"
}

for ((round = 0; round < rounds; round++)); do
    for workers in 0 1; do
        measure "ours-encrypt-$workers" message sealed "$stream" encrypt key "$workers"
        measure "ours-decrypt-$workers" sealed opened "$stream" decrypt key "$workers"
        measure "ours-discard-$workers" message /dev/null "$stream" encrypt key "$workers"
        cmp -s message opened || { echo "what was decrypted is not what was encrypted" >&2 && exit 1; }
    done
    measure age-encrypt message sealed "$age" -r "$recipient"
    measure age-discard message /dev/null "$age" -r "$recipient"
    measure age-decrypt sealed opened "$age" -d -i identity
    cmp -s message opened || { echo "age: what was decrypted is not what was encrypted" >&2 && exit 1; }
done

median() { sort -n | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'; }
column() { awk -v column="$2" '{ print $column }' "$1"; }

printf '%s MiB, %s rounds, %s, %s\n' "$mib" "$rounds" "$("$age" --version)" "$(nproc) cores"
printf '%-32s %9s %11s %9s %9s %8s\n' what 'wall s' 'user+sys s' 'MiB/s' 'peak MiB' 'age / it'
for direction in encrypt discard decrypt; do
    reference=$(column "age-$direction" 1 | median)
    for name in "ours-$direction-0" "ours-$direction-1" "age-$direction"; do
        wall=$(column "$name" 1 | median)
        cpu=$(awk '{ print $2 + $3 }' "$name" | median)
        peak=$(column "$name" 4 | sort -n | tail -1)
        awk -v name="$name" -v wall="$wall" -v cpu="$cpu" -v peak="$peak" -v reference="$reference" -v mib="$mib" 'BEGIN {
            sub(/^ours-/, "cryptokit ", name); sub(/-0$/, ", 0 workers", name); sub(/-1$/, ", 1 worker", name)
            sub(/^age-/, "age ", name); sub(/discard/, "to /dev/null", name)
            printf "%-32s %9.2f %11.2f %9.0f %9.1f %8.2f\n", name, wall, cpu, mib / wall, peak / 1024, reference / wall
        }'
    done
done

#!/usr/bin/env bash
# How fast are the two Argon2 backends beside the reference C library, compiled -O3 -mavx2?
#
#   benches/argon2-reference.sh [--seconds N]
#
# The library's source (P-H-C/phc-winner-argon2, release 20190702) is taken from the crate argon2-sys, which carries it
# unchanged; nothing of that crate's Rust is built. Needs a C compiler and a processor with AVX2. By hand, not in CI.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

grep -qw avx2 /proc/cpuinfo || { echo "error: this processor has no AVX2" >&2; exit 1; }

# ---- the source, as cargo fetches and checks it --------------------------------------------------------------------
mkdir -p "$work/fetch/src"
: >"$work/fetch/src/lib.rs"
cat >"$work/fetch/Cargo.toml" <<'TOML'
[package]
name = "fetch"
version = "0.0.0"
edition = "2024"
[dependencies]
argon2-sys = "=0.1.0"
[workspace]
TOML
manifest=$(cargo metadata --quiet --manifest-path "$work/fetch/Cargo.toml" --format-version 1 |
    python3 -c 'import json, sys
print(next(p["manifest_path"] for p in json.load(sys.stdin)["packages"] if p["name"] == "argon2-sys"))')
library=$(dirname "$manifest")/argon2
# What is measured is what was meant.
(cd "$library" && sha256sum --check --quiet) <<'SUMS'
25ed629feca91ca9d361441160c6fbc10318bb0fb3757555b418ed47b705b35b  include/argon2.h
b1289ec7134e8502e9113396fdac89402bf2575ee1b35e33fb7410f2fb63bb6d  src/argon2.c
d6ddc9e28c51d2c3b0d542c0c4678c4d9d788da048e4f557166030d0ef62618b  src/core.c
32f6ab8c0c313d9336d2731a001426b68d246bba5b362fabeaf593c333da7d37  src/core.h
7b9a0c019abc6fca7e6e0a9abd2f7b22a885f8831827cfbd4bfd4502dd9f7806  src/encoding.c
a4e0681ef4b0eb229a35760b603b7a32e9019cfe98c31732f747f087e5e39828  src/encoding.h
f8776e4a2f824beed34634f3024a95fdbdbaedc2d17a990b752a89a3f963227a  src/opt.c
af2ab481fcf5ef00f1b2deb346bda3642797b417fc0ed98bfb7ae80e716f90d1  src/thread.c
650e713fb584de2e6aeb307e64228f95cef733ea667faa0bb111960aaace30ef  src/thread.h
196cd9adf0660474ea04cb686c122f3ca8c758445c5ff0806f438e6412ac8423  src/blake2/blake2.h
7eb2f3faac14c532fb75f645f518686f3ef0db4c7b9849a1ffc73d262b596281  src/blake2/blake2b.c
ec9884fe834c30eb362f0cef3432a43a5c496b0d6d1d637a5a590a45bec4d79c  src/blake2/blake2-impl.h
38772a3fc29db218a1833b8fa326cb95f98fdc2cda1cbcbaede928a2d8d32b41  src/blake2/blamka-round-opt.h
SUMS

# ---- the program ---------------------------------------------------------------------------------------------------
"${CC:-cc}" -O3 -mavx2 -std=c99 -D_POSIX_C_SOURCE=200809L -Wall -pthread -I"$library/include" -I"$library/src" \
    -o "$work/argon2-reference" "$here/argon2-reference.c" \
    "$library"/src/{argon2,core,encoding,opt,thread}.c "$library/src/blake2/blake2b.c"
"${CC:-cc}" --version | head -n 1

# ---- the comparison ------------------------------------------------------------------------------------------------
cd "$here/.."
cargo bench --locked --package benches --features argon2-simd --bench argon2_reference -- \
    --reference "$work/argon2-reference" "$@"

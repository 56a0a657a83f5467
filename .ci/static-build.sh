#!/usr/bin/env bash
# Builds what the image holds into a folder: authsvc as one static binary, and the empty state folder.
# The Dockerfile's build stage and .ci/run both call it, so that they cannot come to differ.
# Usage: static-build.sh OUT
set -euo pipefail

out=${1:?usage: static-build.sh OUT}
cd "$(dirname "${BASH_SOURCE[0]}")/.."

host=$(rustc -vV | sed -n 's/^host: //p')
# The profile `image` (docs/adr/0036), and what a profile cannot say:
# - glibc is linked in (static-pie). Naming the target keeps that flag away from build scripts and procedural macros, which
#   are shared libraries and cannot be static.
# - The last crate's level, which holds for the passes over the whole program: at `s` LLVM would vectorise nothing, and
#   Argon2 take a third longer. The other crates' functions carry their own level with them.
# - Relocations are packed (DT_RELR): 8 KB instead of a megabyte. Needs glibc 2.36 or newer where this is linked.
# - Symbols are taken out: cargo passes the profile's `strip` to no package that the profile names, as it does the last one.
# - C code brings no tables for unwinding: no panic goes through it.
# - AWS-LC's C at -O2, not -O3: what takes its time is assembly. Its own variable is read in place of the general one, and
#   the last level on the compiler's command line holds.
target_cflags=CFLAGS_${host//-/_}
cflags="${!target_cflags:-} -fno-unwind-tables -fno-asynchronous-unwind-tables"
export "$target_cflags=$cflags" "AWS_LC_SYS_CFLAGS=${AWS_LC_SYS_CFLAGS:-} $cflags -O2"
RUSTFLAGS="-C target-feature=+crt-static" \
    cargo rustc --locked --profile image --target "$host" --package authsvc --bin authsvc -- \
    -C opt-level=3 -C link-arg=-Wl,-z,pack-relative-relocs -C strip=symbols

mkdir -p "$out"
install -m 0755 "${CARGO_TARGET_DIR:-target}/$host/image/authsvc" "$out/authsvc"
install -d -m 0755 "$out/state"
install -d -m 0700 "$out/state/authsvc"

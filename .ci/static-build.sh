#!/usr/bin/env bash
# Builds what the image holds into a folder: authsvc as one static binary, and the empty state folder.
# The Dockerfile's build stage and .ci/run both call it, so that they cannot come to differ.
# Usage: static-build.sh OUT
set -euo pipefail

out=${1:?usage: static-build.sh OUT}
cd "$(dirname "${BASH_SOURCE[0]}")/.."

host=$(rustc -vV | sed -n 's/^host: //p')
# glibc, linked in (static-pie). Naming the target keeps the flag away from build scripts and procedural macros,
# which are shared libraries and cannot be static.
RUSTFLAGS="-C target-feature=+crt-static" \
    cargo build --locked --release --target "$host" --package authsvc --bin authsvc

mkdir -p "$out"
install -m 0755 "${CARGO_TARGET_DIR:-target}/$host/release/authsvc" "$out/authsvc"
install -d -m 0755 "$out/state"
install -d -m 0700 "$out/state/authsvc"

#!/usr/bin/env bash
# The timing measurement at length: half a million samples a pair, some 30 minutes on a quiet machine. Pinned to one core,
# where taskset is there. Exits with 1 when a leak is found, or a planted one is not.
#
#   benches/timing.sh [SAMPLES]
set -euo pipefail

samples=${1:-500000}
cd "$(dirname "${BASH_SOURCE[0]}")/.."
pin=()
if command -v taskset >/dev/null; then pin=(taskset --cpu-list 1); fi
cargo bench --locked --package benches --bench timing --no-run
"${pin[@]}" cargo bench --locked --package benches --bench timing -- --samples "$samples" --strict

#!/usr/bin/env bash
# `kill -9` of the real service at random moments under load, at length: ROUNDS on SQLite and as many on Postgres (default
# 100). After each: no acknowledged write is lost, no ended session lives again, the audit chain verifies. Exits with 1
# when something is, and says the seed; SEED repeats a run's moments as far as a machine repeats them.
#
#   benches/crash.sh [ROUNDS [SEED]]
#
# Needs Postgres's binaries. Some two seconds a round.
set -euo pipefail

rounds=${1:-100} seed=${2:-$((0x$(od -An -N6 -tx1 /dev/urandom | tr -d ' ')))}
cd "$(dirname "${BASH_SOURCE[0]}")/.."
CRASH_ROUNDS=$rounds CRASH_SEED=$seed REQUIRE_POSTGRES=1 \
    cargo test --locked --package authsvc --test adversity -- --nocapture nothing_acknowledged_is_lost_to_kill_9

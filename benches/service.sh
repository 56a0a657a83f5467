#!/usr/bin/env bash
# What authsvc costs beside the primitives and the transport it is built on, whether time tells its accounts apart, and
# what a flood does to it: the real binary over TLS and mTLS on loopback, on a core of its own.
#
#   benches/service.sh            at length: some hours on an idle machine, three quarters of them for 2 x 10^6 accounts
#   benches/service.sh --quick    each for seconds, to see that it works; its figures say nothing
#   benches/service.sh NAME...    of speed, timing, flood: these only
#
# On SQLite, and on Postgres where its binaries are: a server of this script's own in a temporary folder, on the core of
# the driver. CORE is the service's (default 1). Exits with 1 when a planted leak was not found, a hash was faster than it
# can be, or memory or disk went above what is documented. Speed is printed and never asserted.
set -euo pipefail

quick=
names=()
for argument; do
    case $argument in
        --quick) quick=1 ;;
        speed | timing | flood) names+=("$argument") ;;
        *) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2 && exit 2 ;;
    esac
done
if [[ ${#names[@]} -eq 0 ]]; then names=(speed timing flood); fi

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# What is run for its figures is what is shipped; otherwise what the tests have built already.
target=${CARGO_TARGET_DIR:-target}
if [[ -n $quick ]]; then
    cargo build --locked --package authsvc --package service-benches
    service=$target/debug/authsvc
    driver_program=$target/debug/service-benches
else
    bash .ci/static-build.sh "$target/image-out"
    cargo build --locked --release --package service-benches
    service=$target/image-out/authsvc
    driver_program=$target/release/service-benches
fi
core=${CORE:-1}

# The driver and Postgres beside it; the service pins itself.
driver=()
if command -v taskset >/dev/null && [[ $(nproc) -gt 1 ]]; then driver=(taskset --cpu-list "$((core == 0 ? 1 : 0))"); fi

umask 077
work=$(mktemp -d)
# The service runs as in the image, and what it is measured beside does not.
environment=$(sed -n 's/^ENV //p' Dockerfile)
printf '#!/bin/sh\nexport %s\nexec %s "$@"\n' "$environment" "$(realpath "$service")" >"$work/authsvc"
chmod 700 "$work/authsvc"
service=$work/authsvc
postmaster=
cleanup() {
    if [[ -n $postmaster ]]; then
        # Not by a signal to the job, which is a shell that waits, and in the background shells ignore SIGINT.
        as_postgres "$postgres/pg_ctl" stop -D "$cluster/data" -m immediate >/dev/null || true
        wait "$postmaster" || true
    fi 2>/dev/null
    rm -rf "$work"
}
trap cleanup EXIT

# ---- Postgres --------------------------------------------------------------------------------------------------------

postgres=$(compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -n 1 || true)
cluster=$work/postgres
# Postgres refuses to run as root.
as_postgres() {
    if [[ $(id -u) -eq 0 ]]; then
        setpriv --reuid=postgres --regid=postgres --clear-groups env --chdir="$cluster" LC_ALL=C "$@"
    else
        env --chdir="$cluster" LC_ALL=C "$@"
    fi
}
start_postgres() {
    mkdir "$cluster"
    if [[ $(id -u) -eq 0 ]]; then
        chown postgres:postgres "$cluster"
        chmod 711 "$work"
    fi
    as_postgres "$postgres/initdb" --auth=trust --encoding=UTF8 --locale=C --username=bench -D "$cluster/data" >/dev/null
    as_postgres "${driver[@]}" "$postgres/postgres" -D "$cluster/data" -k "$cluster" -c listen_addresses= \
        -c shared_buffers=256MB 2>"$work/postgres.log" &
    postmaster=$!
    for _ in $(seq 100); do
        if as_postgres "$postgres/pg_isready" --quiet -h "$cluster" -U bench -d postgres; then return; fi
        sleep 0.1
    done
    cat "$work/postgres.log" >&2
    exit 2
}
# new_database NAME: an empty one; the file with its URL.
new_database() {
    as_postgres "$postgres/createdb" -h "$cluster" -U bench "$1"
    printf 'postgres://bench@localhost/%s?host=%s' "$1" "$cluster" >"$work/$1.url"
    printf '%s' "$work/$1.url"
}

# ---- the measurements ------------------------------------------------------------------------------------------------

# measure DATABASE COMMAND ARGUMENT...: on `sqlite`, or on a fresh database of Postgres.
number=0
measure() {
    local database=$1 command=$2 url=()
    shift 2
    number=$((number + 1))
    if [[ $database == postgres ]]; then url=(--database-url-file "$(new_database "run_$number")"); fi
    printf '\n== %s, %s %s\n' "$database" "$command" "$*"
    "${driver[@]}" "$driver_program" "$command" --binary "$(realpath "$service")" --core "$core" "${url[@]}" "$@" ||
        failed+=("$database $command $*")
}

databases=(sqlite)
if [[ -n $postgres ]]; then
    start_postgres
    databases+=(postgres)
else
    echo "skipped: Postgres, because /usr/lib/postgresql holds none"
fi
failed=()
for name in "${names[@]}"; do
    for database in "${databases[@]}"; do
        case $name$quick in
            speed) measure "$database" speed --users 1000,100000,1000000 --revocations 999000 --seconds 20 ;;
            speed1) measure "$database" speed --users 100,200 --revocations 100 --seconds 0.1 ;;
            timing)
                measure "$database" timing --samples 2000 --strict
                measure "$database" timing --samples 2000 --strict --busy
                ;;
            # Few samples show nothing.
            timing1) measure "$database" timing --samples 60 ;;
            flood) measure "$database" flood --requests 1000000 ;;
            flood1) measure "$database" flood --requests 2000 ;;
        esac
    done
done
if [[ ${#failed[@]} -gt 0 ]]; then
    printf 'FAILED   %s\n' "${failed[@]}" >&2
    exit 1
fi

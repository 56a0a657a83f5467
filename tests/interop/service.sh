# shellcheck shell=bash
# Sourced by the scripts beside it that start a service and stop at the first thing that is not as it should be. Sets
# $work, a folder that goes when the script ends, as the service does. `start_dev AUTHSVC` starts one, with its home in
# $work/home, its log in $work/server.log and its process in $server; `field NAME` is what it says of itself. What a judge
# printed last may be put into $work/said.
START_SECONDS=60

umask 077
work=$(mktemp -d)
server=
cleanup() {
    if [[ -n $server ]]; then
        kill -KILL "$server" || true
        wait "$server" || true
    fi 2>/dev/null
    rm -rf "$work"
}
trap cleanup EXIT

ok() { echo "ok       $*"; }
die() {
    local file
    echo "FAILED   $*"
    # Lines of the log hold no secret. Standard output does and is not shown.
    for file in said server.log; do
        if [[ -s $work/$file ]]; then tail -n 20 "$work/$file" | sed 's/^/         /'; fi
    done
    exit 1
} >&2

# start_dev AUTHSVC
start_dev() {
    mkfifo "$work/server.out"
    "$1" dev --json --home "$work/home" --public-port 0 --internal-port 0 --ops-port 0 \
        >"$work/server.out" 2>"$work/server.log" &
    server=$!
    # Kept open: a service whose reader goes away must not be what is tested here.
    exec 3<"$work/server.out"
    IFS= read -r -t "$START_SECONDS" -u 3 started || die "authsvc dev says nothing within $START_SECONDS s"
}
field() { jq -er --arg name "$1" '.[$name]' <<<"$started" || die "authsvc dev --json does not say $1"; }

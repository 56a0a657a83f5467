# shellcheck shell=bash
# Sourced by the scripts beside it that count what judges say: sets passed, failed, skipped and $work, a folder that goes
# when the script ends. What a judge printed last is in $work/said.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0

# report STATUS TITLE: counts, and on a failure shows what the tool said.
report() {
    if [[ $1 == ok ]]; then
        passed=$((passed + 1))
        echo "ok       $2"
    else
        failed=$((failed + 1))
        echo "FAILED   $2"
        sed 's/^/         /' "$work/said"
    fi
}

accepts() {
    local title="accepts $1"
    shift
    if "$@" >"$work/said" 2>&1; then report ok "$title"; else report bad "$title"; fi
}

# A verifier that accepts everything would pass every other check.
refuses() {
    local title="refuses $1"
    shift
    if "$@" >"$work/said" 2>&1; then report bad "$title"; else report ok "$title"; fi
}

# available TOOL: false, and on record, when it is not installed.
available() {
    if command -v "$1" >/dev/null; then return 0; fi
    if [[ ${REQUIRE_ALL:-} == 1 ]]; then
        failed=$((failed + 1))
        echo "FAILED   $1 is not installed and REQUIRE_ALL=1"
    else
        skipped=$((skipped + 1))
        echo "skipped  $1 is not installed"
    fi
    return 1
}

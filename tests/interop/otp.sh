#!/usr/bin/env bash
# Has oathtool (OATH Toolkit) judge our one-time codes, and zbarimg our QR codes: PNG, SVG and terminal. Then sets up a
# second factor over HTTP with nothing but curl, zbarimg and oathtool, and logs in with it.
#
#   tests/interop/otp.sh DIR_OF_BINARIES
#
# The directory has authsvc, and the example `one_time_codes` of cryptokit in `examples/`.
# Stops at the first thing that is not as it should be.
set -euo pipefail

if [[ $# -ne 1 || ! -x $1/authsvc || ! -x $1/examples/one_time_codes ]]; then
    echo "usage: $0 DIR_OF_BINARIES (a directory with authsvc and examples/one_time_codes in it)" >&2
    exit 2
fi
binaries=$(cd "$1" && pwd)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
authsvc=$binaries/authsvc

# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/service.sh"

for judge in oathtool zbarimg; do
    if ! command -v "$judge" >/dev/null; then
        if [[ -n ${REQUIRE_ALL:-} ]]; then die "no $judge"; fi
        printf 'SKIPPED  otp: no %s\n' "$judge"
        exit 0
    fi
done
# No session bus is needed for reading a file; zbarimg says so on standard error.
scan() { zbarimg --quiet --raw -Sdisable -Sqrcode.enable "$1" 2>/dev/null; }

# ---- codes -----------------------------------------------------------------------------------------------------------

for index in {1..60}; do
    secret=$(od -An -v -tx1 -N20 /dev/urandom | tr -d ' \n')
    seconds=$((RANDOM * RANDOM + index))
    printf '%s %s\n' "$secret" "$seconds" >>"$work/questions"
    oathtool --totp=sha1 --now "@$seconds" "$secret" >>"$work/theirs"
done
"$binaries/examples/one_time_codes" <"$work/questions" >"$work/ours"
cmp -s "$work/ours" "$work/theirs" || die "oathtool shows other codes: $(diff "$work/ours" "$work/theirs" | head -n 3)"
ok "oathtool shows the same 60 codes"

# ---- QR codes at the command line --------------------------------------------------------------------------------------

"$authsvc" init --home "$work/made" --issuer https://auth.example:8443 --server-san auth.internal >/dev/null 2>&1 ||
    die "authsvc init"
config=$work/made/authsvc.toml
# The longest name there is, all of it in need of encoding but the letters that a name must have.
long="$(printf '+%.0s' {1..64})@$(printf 'a%.0s' {1..63}).$(printf 'b%.0s' {1..63}).$(printf 'c%.0s' {1..53}).example"
for email in alice@example.com "o'brien+x&secret=y@example.com" "$long"; do
    printf 'correct horse battery staple\n' | "$authsvc" user add "$email" --password-stdin --config "$config" >/dev/null
    "$authsvc" user otp-enrol "$email" --png "$work/qr.png" --svg "$work/qr.svg" --config "$config" >"$work/shown"
    uri=$(sed -n 's/^address  //p' "$work/shown")
    [[ $uri == otpauth://totp/auth.example:* ]] || die "no address for $email"
    for file in qr.png qr.svg; do
        [[ $(stat -c %a "$work/$file") == 600 ]] || die "others can read $file"
    done
    [[ $(scan "$work/qr.png") == "$uri" ]] || die "zbarimg reads something else from the PNG of $email"
    # Each module of the SVG's path as a square of eight pixels.
    python3 "$here/qr_to_pgm.py" svg <"$work/qr.svg" >"$work/svg.pgm"
    [[ $(scan "$work/svg.pgm") == "$uri" ]] || die "zbarimg reads something else from the SVG of $email"
    # Name and parameters as another URL library takes them apart.
    python3 - "$uri" "$email" <<'PYTHON' || die "urllib reads another address for $email"
import sys, urllib.parse
uri, email = sys.argv[1:]
parts = urllib.parse.urlsplit(uri)
issuer, account = urllib.parse.unquote(parts.path.removeprefix("/")).split(":", 1)
query = dict(urllib.parse.parse_qsl(parts.query, strict_parsing=True))
secret = query.pop("secret")
assert (parts.scheme, parts.netloc, issuer) == ("otpauth", "totp", "auth.example")
assert account.lower() == email.lower(), account
assert len(secret) == 32 and query == {"issuer": "auth.example", "algorithm": "SHA1", "digits": "6", "period": "30"}
PYTHON
    if "$authsvc" user otp-enrol "$email" --config "$config" >/dev/null 2>&1; then
        die "a factor was replaced unseen"
    fi
    "$authsvc" user otp-reset "$email" --config "$config" >/dev/null || die "otp-reset"
    rm "$work/qr.png" "$work/qr.svg"
    ok "zbarimg and urllib read the QR code of an account of ${#email} characters"
done
python3 "$here/qr_to_pgm.py" run "$authsvc" user otp-enrol alice@example.com --config "$config" >"$work/terminal.pgm"
[[ $(scan "$work/terminal.pgm") == otpauth://totp/auth.example:alice%40example.com\?secret=* ]] ||
    die "zbarimg does not read the terminal"
ok "zbarimg reads the QR code of the terminal"

# ---- a login -----------------------------------------------------------------------------------------------------------

start_dev "$authsvc"
public=$(field public_url) ca=$(field ca_file) login=$(field login_file)

# post PATH BODY [CURL ARGUMENT...]: the status; the answer goes to $work/answer.
post() {
    local path=$1
    printf '%s' "$2" >"$work/body"
    shift 2
    curl --silent --max-time 20 --cacert "$ca" --header 'content-type: application/json' --data "@$work/body" \
        --output "$work/answer" --write-out '%{http_code}' "$@" "$public$path"
}
problem() { jq -r '.type | sub(".*:"; "")' "$work/answer"; }

password=$(jq -c '{password}' "$login")
[[ $(post /v1/auth "$(jq -c '. + {audience: "authsvc"}' "$login")") == 200 ]] || die "a login"
bearer=(--header "authorization: Bearer $(jq -r .token "$work/answer")")
[[ $(post /v1/me/otp "$(jq -c '. + {qr: "svg"}' <<<"$password")" "${bearer[@]}") == 200 ]] || die "enrolment"
jq -r .qr_svg "$work/answer" | python3 "$here/qr_to_pgm.py" svg >"$work/http.pgm"
secret=$(scan "$work/http.pgm" | sed -n 's/.*[?&]secret=\([A-Z2-7]*\)&.*/\1/p')
[[ $secret == "$(jq -r .secret "$work/answer")" ]] || die "the QR code holds another secret than the answer"
code() { oathtool --totp=sha1 --base32 --now "@$1" "$secret"; }
# This step's and the next one's: one early and one late are within the window, so that both have half a minute.
now=$(date +%s)
[[ $(post /v1/me/otp/confirm "$(jq -nc --arg otp "$(code "$now")" '{$otp}')" "${bearer[@]}") == 200 ]] ||
    die "oathtool's code is not taken: $(problem)"
recovery=$(jq -r '.recovery_codes[0]' "$work/answer")
with() { jq -c --arg otp "$1" '. + {$otp}' "$login"; }
[[ $(post /v1/auth "$(cat "$login")") == 401 && $(problem) == otp-required ]] || die "a login without a code"
next=$(code $((now + 30)))
[[ $(post /v1/auth "$(with "$next")") == 200 ]] || die "a login with oathtool's code: $(problem)"
[[ $(post /v1/auth "$(with "$next")") == 401 && $(problem) == invalid-otp ]] || die "the same code a second time"
[[ $(post /v1/auth "$(with "$recovery")") == 200 ]] || die "a login with a recovery code: $(problem)"
[[ $(post /v1/auth "$(with "$recovery")") == 401 ]] || die "the same recovery code a second time"
ok "a second factor set up with zbarimg and oathtool logs in, each code once"

for secret in "$secret" "$recovery" "$next"; do
    if grep -qF -e "$secret" "$work/server.log"; then die "a secret is in the log"; fi
done
ok "no secret is in the log"
echo "otp: all as it should be"

#!/usr/bin/env bash
# Has certgen put a root into real trust stores and take it out again, and asks the programs that read them: NSS and
# Java in a home directory of this run, the system's store in a mount namespace of its own, where that can be had.
#
#   tests/interop/trust.sh DIR_OF_BINARIES
#
# A tool that is missing is named and skipped; with REQUIRE_ALL=1 in the environment it is a failure. Exit code: 0 when
# nothing failed, 1 when something did, 2 for wrong usage.
set -euo pipefail

if [[ $# -ne 1 || ! -x $1/certgen ]]; then
    echo "usage: $0 DIR_OF_BINARIES (a directory with certgen in it)" >&2
    exit 2
fi
certgen=$(cd "$1" && pwd)/certgen
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR
source "$here/report.sh"
cd "$work"

mkdir home
export HOME=$work/home
unset JAVA_HOME
"$certgen" init demo --out pki --server api=api.svc.internal >/dev/null 2>&1
"$certgen" init demo --out other --server api=api.svc.internal >/dev/null 2>&1
fingerprint=$(openssl x509 -in pki/root.pem -noout -fingerprint -sha256 | cut -d= -f2)

# exits CODE COMMAND...: ends with that code.
exits() {
    local wanted=$1 code=0
    shift
    "$@" || code=$?
    [[ $code -eq $wanted ]] || { echo "exit code $code, not $wanted"; return 1; }
}

says() {
    local needle=$1 said
    shift
    said=$("$@" 2>&1) || { printf '%s\n' "$said"; return 1; }
    grep -qF -- "$needle" <<<"$said" || { printf '%s\nlacks %s\n' "$said" "$needle"; return 1; }
}

trust() { "$certgen" trust "$1" --ca "$2" "${@:3}"; }

# install, twice, beside another root of the same name; then uninstall, twice. What a dry run prints, a shell does.
round() {
    local what=$1
    shift
    accepts "($what) not there" exits 1 trust status pki "$@"
    accepts "($what) a dry run changes nothing" trust install pki "$@" --dry-run
    accepts "($what) still not there" exits 1 trust status pki "$@"
    accepts "($what) install" trust install pki "$@"
    accepts "($what) install once more" says "is trusted already" trust install pki "$@"
    accepts "($what) install another" trust install other "$@"
    accepts "($what) trusted" exits 0 trust status pki "$@"
}
round_trip_ends() {
    local what=$1
    shift
    accepts "($what) uninstall" trust uninstall pki "$@"
    accepts "($what) gone" exits 1 trust status pki "$@"
    accepts "($what) uninstall once more" says "was not there" trust uninstall pki "$@"
    accepts "($what) the other one stays" exits 0 trust status other "$@"
    accepts "($what) the commands of a dry run" sh -c "$(trust install pki "$@" --dry-run 2>/dev/null)"
    accepts "($what) do what is said" exits 0 trust status pki "$@"
    accepts "($what) those that undo it too" sh -c "$(trust uninstall pki "$@" --dry-run 2>/dev/null)"
    accepts "($what) do what is said too" exits 1 trust status pki "$@"
}

if available certutil; then
    for database in .pki/nssdb ".mozilla/firefox/it's a profile.default" snap/firefox/common/.mozilla/firefox/x; do
        mkdir -p "$HOME/$database"
        certutil -N -d "sql:$HOME/$database" --empty-password
    done
    mkdir -p "$HOME/.mozilla/firefox/Crash Reports"
    round NSS --nss
    for database in .pki/nssdb ".mozilla/firefox/it's a profile.default"; do
        certutil -A -d "sql:$HOME/$database" -n issuing -t ,, -i pki/intermediate.pem
        certutil -A -d "sql:$HOME/$database" -n leaf -t ,, -i pki/api/certificate.pem
        accepts "(NSS) $database accepts the server" certutil -V -d "sql:$HOME/$database" -n leaf -u V -e
    done
    # The root is not trusted for anything else.
    refuses "(NSS) as a signer of mail" certutil -V -d "sql:$HOME/.pki/nssdb" -n leaf -u S -e
    round_trip_ends NSS --nss
    refuses "(NSS) the server once the root is gone" certutil -V -d "sql:$HOME/.pki/nssdb" -n leaf -u V -e
    # Present without trust, under a name that a person gave it.
    certutil -A -d "sql:$HOME/.pki/nssdb" -n "by hand" -t ,, -i pki/root.pem
    accepts "(NSS) there and not trusted" says "there and not trusted: by hand" sh -c \
        "'$certgen' trust status --ca pki --nss; [ \$? -eq 1 ]"
    accepts "(NSS) gets trust under its name" trust install pki --nss
    accepts "(NSS) trusted under its name" says "trusted: by hand" trust status pki --nss
    accepts "(NSS) and is taken out under its name" trust uninstall pki --nss
fi

if available keytool; then
    printf 'correct horse\n' >password
    chmod 600 password
    (cd other && STORE='correct horse' "$certgen" bundle --roots --ca . --profile java-trust --out ../store.p12 \
        --password-env STORE >/dev/null)
    keystore=(--java-keystore store.p12 --password-file password)
    accepts "(Java) not there" exits 1 trust status pki "${keystore[@]}"
    accepts "(Java) install" trust install pki "${keystore[@]}"
    accepts "(Java) install once more" says "is trusted already" trust install pki "${keystore[@]}"
    accepts "(Java) keytool finds it" says "$fingerprint" keytool -list -v -keystore store.p12 -storepass 'correct horse'
    accepts "(Java) trusted" exits 0 trust status pki "${keystore[@]}"
    accepts "(Java) the other one stays" exits 0 trust status other "${keystore[@]}"
    accepts "(Java) uninstall" trust uninstall pki "${keystore[@]}"
    accepts "(Java) gone" exits 1 trust status pki "${keystore[@]}"
    accepts "(Java) the other one is there still" exits 0 trust status other "${keystore[@]}"
    printf 'wrong\n' >password
    accepts "(Java) a wrong password is a failure" exits 3 trust status pki "${keystore[@]}"
fi

# The system's store: copies of its directories over the real ones, for this script's own processes only.
system() {
    round system --system
    accepts "(OpenSSL) the system trusts the server" openssl verify -x509_strict -purpose sslserver \
        -untrusted pki/intermediate.pem pki/api/certificate.pem
    if [[ -f /etc/ssl/certs/java/cacerts && -x /etc/ca-certificates/update.d/jks-keystore ]]; then
        accepts "(Java) and so does Debian's Java, by its hook" exits 0 trust status pki --java
    fi
    round_trip_ends system --system
    refuses "(OpenSSL) the server once the root is gone" openssl verify -x509_strict -purpose sslserver \
        -untrusted pki/intermediate.pem pki/api/certificate.pem
    if available keytool; then
        trust uninstall pki --java >/dev/null
        trust uninstall other --java >/dev/null
        round "Java's own store" --java
        round_trip_ends "Java's own store" --java
    fi
    echo "$passed $failed $skipped" >counts
}

if [[ $(id -u) -eq 0 && -d /usr/local/share/ca-certificates ]] && command -v update-ca-certificates >/dev/null &&
    unshare --mount true 2>/dev/null; then
    before=$(sha256sum /etc/ssl/certs/ca-certificates.crt)
    for directory in /usr/local/share/ca-certificates /etc/ssl/certs; do
        mkdir -p "copies$directory"
        cp -a "$directory/." "copies$directory"
    done
    export certgen work here passed failed skipped fingerprint REQUIRE_ALL="${REQUIRE_ALL:-}"
    unshare --mount --propagation private bash -euo pipefail -c "
        for directory in /usr/local/share/ca-certificates /etc/ssl/certs; do
            mount --bind \"\$PWD/copies\$directory\" \"\$directory\"
        done
        $(declare -f report accepts refuses available exits says trust round round_trip_ends system)
        system"
    read -r passed failed skipped <counts
    accepts "(system) the real store is as it was" test "$before" = "$(sha256sum /etc/ssl/certs/ca-certificates.crt)"
else
    skipped=$((skipped + 1))
    echo "skipped  the system's store: this needs root, a mount namespace and update-ca-certificates"
fi

echo "trust stores: $passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 ]]

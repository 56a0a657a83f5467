#!/usr/bin/env bash
# Has OpenSSL, Java, NSS and GnuTLS open every profile of PKCS#12 that certgen writes, with the key of each kind, and
# say which key and which certificates they found.
#
#   tests/interop/bundle.sh DIR_OF_BINARIES
#
# A tool that is missing is named and skipped; with REQUIRE_ALL=1 in the environment it is a failure. Exit code: 0 when
# nothing failed, 1 when something did, 2 for wrong usage.
set -euo pipefail

if [[ $# -ne 1 || ! -x $1/certgen ]]; then
    echo "usage: $0 DIR_OF_BINARIES (a directory with certgen in it)" >&2
    exit 2
fi
certgen=$(cd "$1" && pwd)/certgen

# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/report.sh"
cd "$work"
umask 077

# Passwords of this run only, which is why they may stand on command lines. The second takes more than a byte in each
# encoding, and characters that a BMPString lacks.
export ASCII='correct horse' WIDE=$'pä€\U1f511'

"$certgen" init demo --out pki --server api=api.svc.internal,10.0.0.5 >/dev/null
for kind in p256 p384 ed25519 rsa-2048; do
    "$certgen" leaf --ca pki --key "$kind" "$kind=$kind.svc.internal" >/dev/null
done

fingerprint() { openssl x509 -in "$1" -noout -fingerprint -sha256 | cut -d= -f2; }
leaf_of() { printf 'pki/%s/certificate.pem' "$1"; }

# holds NEEDLE COMMAND...: the command succeeds and says so.
holds() {
    local needle=$1 said
    shift
    said=$("$@" 2>&1) || { printf '%s\n' "$said"; return 1; }
    grep -qF -- "$needle" <<<"$said" || { printf '%s\nlacks %s\n' "$said" "$needle"; return 1; }
}

# Public half of the key in the file as OpenSSL reads it, and of the certificate.
same_key() {
    cmp <(openssl pkcs12 -in "$1" -passin "pass:$2" -nocerts -noenc 2>/dev/null | openssl pkey -pubout) \
        <(openssl x509 -in "$3" -noout -pubkey)
}

openssl_lists() { openssl pkcs12 -in "$1" -passin "pass:$2" -nokeys -info; }
keytool_lists() { LC_ALL=C.UTF-8 keytool -list -v -keystore "$1" -storetype PKCS12 -storepass "$2"; }
nss_lists() { pk12util -l "$1" -W "$2" -d sql:db; }
gnutls_lists() { certtool --p12-info --inder --infile "$1" --password "$2"; }

nss_imports() {
    rm -rf imported && mkdir imported && certutil -N -d sql:imported --empty-password &&
        pk12util -i "$1" -W "$2" -d sql:imported && certutil -K -d sql:imported | grep -q "$3"
}

# The key of the entry signs, and its certificate verifies: Java has read both, and they belong together.
cat >Opens.java <<'JAVA'
import java.io.*;
import java.security.*;
import java.security.cert.*;

class Opens {
    public static void main(String[] arguments) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        char[] password = arguments[1].toCharArray();
        try (InputStream in = new FileInputStream(arguments[0])) {
            store.load(in, password);
        }
        for (String alias : java.util.Collections.list(store.aliases())) {
            if (store.isCertificateEntry(alias)) {
                X509Certificate trusted = (X509Certificate) store.getCertificate(alias);
                System.out.println("trusted " + alias + " " + trusted.getSubjectX500Principal());
                continue;
            }
            PrivateKey key = (PrivateKey) store.getKey(alias, password);
            PublicKey half = store.getCertificate(alias).getPublicKey();
            String algorithm = switch (key.getAlgorithm()) {
                case "RSA" -> "SHA256withRSA";
                case "EC" -> "SHA256withECDSA";
                default -> "Ed25519";
            };
            Signature signer = Signature.getInstance(algorithm);
            signer.initSign(key);
            signer.update(new byte[] {1, 2, 3});
            byte[] signature = signer.sign();
            signer.initVerify(half);
            signer.update(new byte[] {1, 2, 3});
            if (!signer.verify(signature)) throw new Exception("key and certificate do not belong together");
            System.out.println("identity " + alias + " chain of " + store.getCertificateChain(alias).length);
        }
        System.out.println(store.size() + " entries");
    }
}
JAVA

for profile in modern legacy; do
    for service in p256 p384 ed25519 rsa-2048; do
        for password in ASCII WIDE; do
            file=$service-$profile-$password.p12
            "$certgen" bundle "$service" --ca pki --profile "$profile" --out "$file" --password-env "$password" \
                >/dev/null 2>&1
        done
    done
done
"$certgen" bundle --roots --ca pki --profile java-trust --alias demo --out trust-ASCII.p12 --password-env ASCII >/dev/null

if available openssl; then
    for profile in modern legacy; do
        for service in p256 p384 ed25519 rsa-2048; do
            for name in ASCII WIDE; do
                file=$service-$profile-$name.p12
                accepts "(OpenSSL) $file: certificates" holds "friendlyName: $service" openssl_lists "$file" "${!name}"
                accepts "(OpenSSL) $file: key" same_key "$file" "${!name}" "$(leaf_of "$service")"
            done
        done
        refuses "(OpenSSL) $profile with a wrong password" openssl_lists "p256-$profile-ASCII.p12" wrong
    done
    accepts "(OpenSSL) modern is PBES2" holds "PBES2, PBKDF2, AES-256-CBC, Iteration 300000, PRF hmacWithSHA256" \
        openssl_lists p256-modern-ASCII.p12 "$ASCII"
    accepts "(OpenSSL) modern's MAC is SHA-256" holds "MAC: sha256, Iteration 300000" \
        openssl_lists p256-modern-ASCII.p12 "$ASCII"
    accepts "(OpenSSL) legacy is 3DES" holds "pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 2048" \
        openssl_lists p256-legacy-ASCII.p12 "$ASCII"
    accepts "(OpenSSL) trust store" holds "2.16.840.1.113894.746875.1.1" openssl_lists trust-ASCII.p12 "$ASCII"
fi

if available java && available keytool; then
    for profile in modern legacy; do
        for service in p256 p384 ed25519 rsa-2048; do
            file=$service-$profile-ASCII.p12
            accepts "(Java) $file" holds "identity $service chain of 2" java Opens.java "$file" "$ASCII"
        done
        accepts "(keytool) $profile" holds "$(fingerprint "$(leaf_of p256)")" keytool_lists "p256-$profile-ASCII.p12" "$ASCII"
        refuses "(keytool) $profile with a wrong password" keytool_lists "p256-$profile-ASCII.p12" wrong-password
        # What certgen warns of.
        refuses "(Java) $profile with a password that is not ASCII" java Opens.java "p256-$profile-WIDE.p12" "$WIDE"
    done
    accepts "(Java) trust store" holds "trusted demo CN=demo root CA" java Opens.java trust-ASCII.p12 "$ASCII"
    accepts "(Java) trust store of one entry" holds "1 entries" java Opens.java trust-ASCII.p12 "$ASCII"
    accepts "(keytool) trust store" holds "trustedCertEntry" keytool_lists trust-ASCII.p12 "$ASCII"
    # Without Oracle's attribute Java finds nothing: the same certificates as OpenSSL writes them.
    openssl pkcs12 -export -nokeys -in pki/root.pem -passout "pass:$ASCII" -out unmarked.p12
    accepts "(Java) an unmarked store is empty" holds "0 entries" java Opens.java unmarked.p12 "$ASCII"
fi

if available pk12util && available certutil; then
    mkdir db
    certutil -N -d sql:db --empty-password
    for profile in modern legacy; do
        for service in p256 p384 rsa-2048; do
            for name in ASCII WIDE; do
                file=$service-$profile-$name.p12
                accepts "(NSS) lists $file" holds "Friendly Name: $service" nss_lists "$file" "${!name}"
            done
            accepts "(NSS) imports $service-$profile" nss_imports "$service-$profile-ASCII.p12" "$ASCII" "$service"
        done
        refuses "(NSS) $profile with a wrong password" nss_lists "p256-$profile-ASCII.p12" wrong
    done
    accepts "(NSS) trust store" holds "demo root CA" nss_lists trust-ASCII.p12 "$ASCII"
fi

if available certtool; then
    for profile in modern legacy; do
        for service in p256 p384 ed25519 rsa-2048; do
            for name in ASCII WIDE; do
                file=$service-$profile-$name.p12
                accepts "(GnuTLS) $file" holds "Friendly name: $service" gnutls_lists "$file" "${!name}"
            done
        done
        refuses "(GnuTLS) $profile with a wrong password" gnutls_lists "p256-$profile-ASCII.p12" wrong
    done
    accepts "(GnuTLS) trust store" holds "-----BEGIN CERTIFICATE-----" gnutls_lists trust-ASCII.p12 "$ASCII"
fi

# The key of a service as `certgen key` writes it, opened by the others; every other form of keys is in keys.sh.
printf '%s\n' "$WIDE" >passphrase
for service in p256 rsa-2048; do
    "$certgen" key "pki/$service/key.pem" --encrypt --out "$service.encrypted.pem" --new-passphrase-file passphrase >/dev/null
    if available openssl; then
        accepts "(OpenSSL) encrypted $service" openssl pkey -in "$service.encrypted.pem" -passin env:WIDE -noout
    fi
    if available certtool; then
        accepts "(GnuTLS) encrypted $service" certtool --load-privkey "$service.encrypted.pem" --password "$WIDE" --pubkey-info
    fi
done
openssl ec -in pki/p256/key.pem -out sec1.pem 2>/dev/null
openssl rsa -in pki/rsa-2048/key.pem -traditional -out pkcs1.pem 2>/dev/null
for form in sec1:p256 pkcs1:rsa-2048; do
    chmod 600 "${form%%:*}.pem"
    accepts "(OpenSSL to us) bundle of a ${form%%:*} key" "$certgen" bundle --certificate "pki/${form#*:}/fullchain.pem" \
        --key "${form%%:*}.pem" --out "${form%%:*}.p12" --password-env ASCII
done

echo "bundles: $passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 ]]

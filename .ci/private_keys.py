#!/usr/bin/env python3
"""Fails when a private key is among the given files.

    private_keys.py tree             what git tracks or would add, in the checkout this script belongs to
    private_keys.py folder FOLDER    every file below FOLDER: a build context, an image
    private_keys.py self-test        plants keys of every kind and fails unless each one is found

Found are PEM private keys anywhere in a file, escaped line ends included, so that one inside JSON, a script or a
binary counts; and files that are a private key in DER. A PEM label without a body is not a key: the code that reads
and writes keys holds such labels, and so does the compiled binary.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Published test vectors that are keys: path -> where the key was published. Everybody has them, so they protect nothing.
PUBLISHED = {
    "fuzz/corpus/private_key/rfc-7517-a2-p256-compressed.der": "RFC 7517 appendix A.2",
    "fuzz/corpus/private_key/rfc-7517-a2-p256-pkcs8.der": "RFC 7517 appendix A.2",
    "fuzz/corpus/private_key/rfc-7517-a2-p256-pkcs8.pem": "RFC 7517 appendix A.2",
    "fuzz/corpus/private_key/rfc-7517-a2-p256-sec1.der": "RFC 7517 appendix A.2",
    "fuzz/corpus/private_key/rfc-7517-a2-p256-sec1.pem": "RFC 7517 appendix A.2",
    "fuzz/corpus/private_key/rfc-7517-a2-p256-traditional-encryption.pem": "RFC 7517 appendix A.2",
    "fuzz/corpus/private_key/rfc-7517-a2-rsa-pkcs1.der": "RFC 7517 appendix A.2",
    "fuzz/corpus/private_key/rfc-7517-a2-rsa-pkcs1.pem": "RFC 7517 appendix A.2",
    "fuzz/corpus/private_key/rfc-7517-a2-rsa-pkcs8.der": "RFC 7517 appendix A.2",
    "fuzz/corpus/private_key/rfc-7517-a2-rsa-pkcs8.pem": "RFC 7517 appendix A.2",
    "fuzz/corpus/private_key/rfc-8410-10-3-encrypted-des3.der": "RFC 8410 section 10.3",
    "fuzz/corpus/private_key/rfc-8410-10-3-encrypted-pbes1-3des.der": "RFC 8410 section 10.3",
    "fuzz/corpus/private_key/rfc-8410-10-3-encrypted-scrypt-aes256.der": "RFC 8410 section 10.3",
    "fuzz/corpus/private_key/rfc-8410-10-3-encrypted-sha1-aes128.der": "RFC 8410 section 10.3",
    "fuzz/corpus/private_key/rfc-8410-10-3-version-1.pem": "RFC 8410 section 10.3",
    "fuzz/corpus/private_key/rfc-8410-10-3-version-2.der": "RFC 8410 section 10.3",
}

# Between the label and its body: a line end, as such or escaped, and the headers of the traditional encrypted form.
LINE_END = rb"(?:\s|\\r|\\n|[\"'+])*"
PEM = re.compile(
    rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----"
    + LINE_END
    + rb"(?:Proc-Type:[^\r\n\\]*" + LINE_END + rb"DEK-Info:[^\r\n\\]*" + LINE_END + rb")?"
    + rb"[A-Za-z0-9+/]{16}[A-Za-z0-9+/=\s\\]{16}"
)

# The start of a DER private key: SEQUENCE with its length, then what tells the structure apart.
LENGTH = rb"(?:[\x00-\x7f]|\x81.|\x82..)"
DER = re.compile(
    rb"\A\x30" + LENGTH + rb"(?:"
    # PKCS#8 (RFC 5958): version 0 or 1, AlgorithmIdentifier starting with an OID
    rb"\x02\x01[\x00\x01]\x30" + LENGTH + rb"\x06"
    # PKCS#1 (RFC 8017 A.1.2): version 0 or 1, modulus
    rb"|\x02\x01[\x00\x01]\x02" + LENGTH + rb"."
    # SEC1 (RFC 5915): version 1, octet string
    rb"|\x02\x01\x01\x04[\x14-\x42]"
    # encrypted PKCS#8 (RFC 5958 §3): AlgorithmIdentifier with an OID of PKCS#5 or PKCS#12
    rb"|\x30" + LENGTH + rb"\x06.\x2a\x86\x48\x86\xf7\x0d\x01(?:\x05|\x0c)"
    rb")",
    re.DOTALL,
)


def holds_private_key(content):
    """Tells whether the bytes are, or contain, a private key."""
    return bool(PEM.search(content) or DER.match(content))


def files_of_tree():
    """What a commit could carry: tracked files and untracked ones that are not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True,
    ).stdout
    return [ROOT / name.decode() for name in listed.split(b"\0") if name]


def files_below(folder):
    return [path for path in pathlib.Path(folder).rglob("*") if not path.is_symlink()]


def find(files, base):
    """The files that hold a private key, relative to `base`, and how many were read."""
    found, read = [], 0
    for path in files:
        # A tracked file may be deleted in the work tree; folders and sockets are not content.
        if path.is_symlink() or not path.is_file():
            continue
        read += 1
        if holds_private_key(path.read_bytes()):
            name = path.relative_to(base).as_posix()
            if name not in PUBLISHED:
                found.append(name)
    return found, read


def check(files, base):
    found, read = find(files, base)
    for name in found:
        print(f"private key: {name}", file=sys.stderr)
    if not read:
        sys.exit("no file to look at: wrong folder?")
    if found:
        sys.exit(1)
    print(f"{read} files, no private key")


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout


def self_test():
    """Keys made for this run only, in every form that people leave behind, and look-alikes that are none."""
    with tempfile.TemporaryDirectory() as scratch:
        source = pathlib.Path(scratch) / "source.pem"
        ec = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        source.write_bytes(ec)
        pem = str(source)
        forms = {
            "ec-pkcs8.pem": ec,
            "ec-pkcs8-der": openssl("pkcs8", "-topk8", "-nocrypt", "-in", pem, "-outform", "DER"),
            "ec-sec1.pem": openssl("ec", "-in", pem),
            "ec-sec1-der": openssl("ec", "-in", pem, "-outform", "DER"),
            "encrypted.pem": openssl("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", "pass:x", "-in", pem),
            "encrypted-der": openssl(
                "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", "pass:x", "-in", pem, "-outform", "DER"),
            "traditional-encrypted.pem": openssl("ec", "-in", pem, "-aes256", "-passout", "pass:x"),
            "ed25519.pem": openssl("genpkey", "-algorithm", "ED25519"),
            "ed25519-der": openssl("genpkey", "-algorithm", "ED25519", "-outform", "DER"),
            "in.json": b'{"key": "' + ec.replace(b"\n", b"\\n") + b'"}',
            "windows.pem": ec.replace(b"\n", b"\r\n"),
            "in-a-binary": bytes(range(256)) * 64 + ec + bytes(range(256)),
            "deep/down/in.rs": b'const KEY: &str = "' + ec + b'";',
        }
        rsa = openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
        source.write_bytes(rsa)
        forms["rsa-pkcs8.pem"] = rsa
        forms["rsa-pkcs1.pem"] = openssl("rsa", "-in", pem, "-traditional")
        forms["rsa-pkcs1-der"] = openssl("rsa", "-in", pem, "-traditional", "-outform", "DER")
        forms["rsa-pkcs8-der"] = openssl("pkcs8", "-topk8", "-nocrypt", "-in", pem, "-outform", "DER")
        look_alikes = {
            "public.pem": openssl("rsa", "-in", pem, "-pubout"),
            "public-der": openssl("rsa", "-in", pem, "-pubout", "-outform", "DER"),
            "certificate.pem": openssl("req", "-x509", "-key", pem, "-subj", "/CN=probe"),
            "certificate-der": openssl("req", "-x509", "-key", pem, "-subj", "/CN=probe", "-outform", "DER"),
            "request-der": openssl("req", "-new", "-key", pem, "-subj", "/CN=probe", "-outform", "DER"),
            "labels.rs": b'let begin = "-----BEGIN PRIVATE KEY-----"; let end = "-----END PRIVATE KEY-----";\n',
            "empty": b"",
        }
        source.unlink()
        for name, content in {**forms, **look_alikes}.items():
            path = pathlib.Path(scratch) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        found, _ = find(files_below(scratch), scratch)
    missed, wrong = sorted(set(forms) - set(found)), sorted(set(found) & set(look_alikes))
    if missed or wrong:
        sys.exit(f"self-test: keys missed: {missed}; taken for keys: {wrong}")
    print(f"self-test: {len(forms)} planted keys found, {len(look_alikes)} look-alikes passed")


def main(arguments):
    match arguments:
        case ["tree"]:
            check(files_of_tree(), ROOT)
        case ["folder", folder]:
            check(files_below(folder), folder)
        case ["self-test"]:
            self_test()
        case _:
            sys.exit(__doc__)


main(sys.argv[1:])

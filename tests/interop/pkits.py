"""Runs the end entity certificates of NIST's Public Key Interoperability Test Suite through `certgen verify`.

    pkits.py CERTGEN [--update]

The files are those inside the package cryptography_vectors. A file's name begins with what is right, Valid or Invalid.
None that is Invalid may be accepted. Of those that are Valid, the ones listed in pkits-declined.txt beside this file are
refused, each for the reason given there, and no others: what is refused and not listed, or listed and accepted, or
refused otherwise than the list says, is a failure. --update writes the list anew.

Each certificate comes with every certificate that, by names, may be on a path from it to the trust anchor, and with
every revocation list of an issuer of those; all must be known not to be revoked.
"""

import base64
import pathlib
import subprocess
import sys
import tempfile
from collections import Counter
from importlib.resources import files

DECLINED = pathlib.Path(__file__).with_name("pkits-declined.txt")
ANCHOR = "TrustAnchorRootCertificate.crt"
# Every certificate and list of the suite is current then.
TIME = "2020-01-01"


def elements(der):
    """The elements of a sequence of them, as (tag, contents, whole)."""
    found, at = [], 0
    while at < len(der):
        length, start = der[at + 1], at + 2
        if length & 0x80:
            count = length & 0x7F
            length, start = int.from_bytes(der[start : start + count], "big"), start + count
        found.append((der[at], der[start : start + length], der[at : start + length]))
        at = start + length
    return found


def signed_fields(der):
    return elements(elements(elements(der)[0][1])[0][1])


def spelling(name):
    """A name as RFC 5280 §7.1 compares it, or nearly: which certificates to hand over, certgen decides."""
    text = []
    for _, relative, _ in elements(name):
        for _, attribute, _ in elements(relative):
            (_, kind, _), (_, value, _) = elements(attribute)
            text.append((kind, " ".join(value.decode("latin-1").lower().split())))
    return tuple(text)


def certificate_names(der):
    """Issuer and subject."""
    fields = signed_fields(der)
    first = 1 if fields[0][0] == 0xA0 else 0
    return spelling(fields[first + 2][1]), spelling(fields[first + 4][1])


def list_issuer(der):
    fields = signed_fields(der)
    first = 1 if fields[0][0] == 0x02 else 0
    return spelling(fields[first + 1][1])


def pem(label, der):
    return f"-----BEGIN {label}-----\n{base64.encodebytes(der).decode()}-----END {label}-----\n"


class Suite:
    def __init__(self, certgen, work):
        data = files("cryptography_vectors") / "x509" / "PKITS_data"
        read = lambda folder: {path.name: path.read_bytes() for path in sorted((data / folder).iterdir())}
        self.certgen, self.work = certgen, work
        self.certificates, self.lists = read("certs"), read("crls")
        self.names = {file: certificate_names(der) for file, der in self.certificates.items()}
        self.list_issuers = {file: list_issuer(der) for file, der in self.lists.items()}
        self.anchor = work / "anchor.pem"
        self.anchor.write_text(pem("CERTIFICATE", self.certificates[ANCHOR]))

    def on_the_way(self, leaf):
        """Files of certificates that may be on a path from the leaf, and the names of all issuers."""
        found, wanted, seen = [], [self.names[leaf][0]], set()
        while wanted:
            name = wanted.pop()
            if name in seen:
                continue
            seen.add(name)
            for file, (issuer, subject) in self.names.items():
                if subject == name and file not in (leaf, ANCHOR):
                    found.append(file)
                    wanted.append(issuer)
        return found, seen

    def ask(self, leaf):
        """The exit code and what was said."""
        issuers, names = self.on_the_way(leaf)
        chain = self.work / "chain.pem"
        chain.write_text("".join(pem("CERTIFICATE", self.certificates[file]) for file in [leaf, *issuers]))
        command = [self.certgen, "verify", chain, "--trust", self.anchor, "--purpose", "any", "--at", TIME]
        command += ["--crl-required", "chain"]
        for file, issuer in self.list_issuers.items():
            if issuer in names:
                path = self.work / file
                path.write_bytes(self.lists[file])
                command += ["--crl", path]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        return run.returncode, run.stdout + run.stderr


def reason(said):
    """The first failure in the report, or the error."""
    for line in said.splitlines():
        if line.startswith("    - "):
            return line.removeprefix("    - ")
        if line.startswith("error: "):
            return line.split(": ", 1)[1]
    return "no reason"


def main():
    certgen = sys.argv[1]
    with tempfile.TemporaryDirectory() as work:
        suite = Suite(certgen, pathlib.Path(work))
        leaves = [file for file in suite.certificates if file.startswith(("Valid", "Invalid"))]
        answers = {file.removesuffix(".crt"): suite.ask(file) for file in leaves}
    valid = {file: answer for file, answer in answers.items() if file.startswith("Valid")}
    invalid = {file: answer for file, answer in answers.items() if file.startswith("Invalid")}
    wrong = [f"accepted {file}" for file, (code, _) in invalid.items() if code == 0]
    # An error is no verdict: the certificate was not looked at.
    wrong += [f"{file}: exit code {code}: {said}" for file, (code, said) in invalid.items() if 0 < code < 10]
    declined = {file: f"{code} {reason(said)}" for file, (code, said) in valid.items() if code != 0}
    lines = [f"{file}: {why}\n" for file, why in sorted(declined.items())]
    head = [line for line in DECLINED.read_text().splitlines(keepends=True) if line.startswith("#")] if DECLINED.exists() else []
    if "--update" in sys.argv:
        DECLINED.write_text("".join(head + lines))
    listed = [line for line in DECLINED.read_text().splitlines(keepends=True) if not line.startswith("#")]
    wrong += [f"not as listed: {line.strip()}" for line in sorted(set(lines) - set(listed))]
    wrong += [f"listed, and not so: {line.strip()}" for line in sorted(set(listed) - set(lines))]
    if (len(valid), len(invalid)) != (88, 115):
        wrong.append(f"{len(valid)} Valid and {len(invalid)} Invalid files; the suite has 88 and 115")
    for line in wrong:
        print(line)
    print("Invalid files by exit code:", dict(sorted(Counter(code for code, _ in invalid.values()).items())))
    print(f"pkits: {len(invalid)} Invalid refused, {len(valid) - len(declined)} Valid accepted, {len(declined)} declined as listed")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

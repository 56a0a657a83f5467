#!/usr/bin/env python3
"""How long does certgen take beside openssl and mkcert, as whole processes?

    benches/certgen.py CERTGEN [--rounds N]

The same work by each, in turn, N times (default 15): an authority with 3 and with 100 services on P-256, a chain verified, a
certificate shown. Prints the median user + system time, which is what the bars are about, the median wall time, which
is mostly waiting for the disk (certgen flushes what it makes, the others do not), and how many times certgen's CPU time
the others take. openssl's script makes what certgen makes: root, issuing CA, and keys, certificates and chains of the
services. mkcert has no issuing CA. What is not installed is left out.
"""

import argparse
import pathlib
import resource
import shutil
import statistics
import subprocess
import tempfile
import time

CA = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"
LEAF = """basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth,clientAuth
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
subjectAltName=DNS:$1.svc.internal
"""
OPENSSL = f"""set -eu
umask 077
printf '%s' '{CA}' >root.ext
{{ printf '%s' '{CA}'; echo authorityKeyIdentifier=keyid; }} >intermediate.ext
key() {{ openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }}
key root.key
openssl req -new -key root.key -subj "/CN=root" -out root.csr
openssl x509 -req -in root.csr -signkey root.key -days 3650 -extfile root.ext -out root.pem 2>/dev/null
key intermediate.key
openssl req -new -key intermediate.key -subj "/CN=issuing" -out intermediate.csr
openssl x509 -req -in intermediate.csr -CA root.pem -CAkey root.key -CAcreateserial -days 1825 -extfile intermediate.ext \\
    -out intermediate.pem 2>/dev/null
leaf() {{
    mkdir "$1"
    key "$1/key.pem"
    openssl req -new -key "$1/key.pem" -subj "/CN=$1.svc.internal" -out "$1/csr"
    cat >"$1/ext" <<EOF
{LEAF}EOF
    openssl x509 -req -in "$1/csr" -CA intermediate.pem -CAkey intermediate.key -CAcreateserial -days 90 \\
        -extfile "$1/ext" -out "$1/certificate.pem" 2>/dev/null
    cat "$1/certificate.pem" intermediate.pem >"$1/fullchain.pem"
}}
for name in "$@"; do leaf "$name"; done
"""
MKCERT = """set -eu
for name in "$@"; do
    CAROOT=. TRUST_STORES=none mkcert -ecdsa -client -key-file "$name.key" -cert-file "$name.pem" "$name.svc.internal"
done
"""


def measure(command, directory):
    """CPU and wall time in milliseconds, its children's included."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    child = subprocess.run(command, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if child.returncode != 0:
        raise SystemExit(f"{command[:3]}: status {child.returncode}: {child.stderr.decode()[-500:]}")
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3, wall * 1e3


def comparisons(certgen, home):
    """What, its bar in milliseconds of CPU, and the commands by name."""
    for count, bar in ((3, 10), (100, 100)):
        names = [f"s{number}" for number in range(count)]
        services = [argument for name in names for argument in ("--service", f"{name}={name}.svc.internal")]
        yield f"an authority with {count} services", bar, {
            "certgen": [certgen, "init", "bench", "--out", "home", *services],
            "openssl": ["bash", "-c", OPENSSL, "openssl", *names],
            "mkcert": ["bash", "-c", MKCERT, "mkcert", *names],
        }
    chain, root = f"{home}/s0/fullchain.pem", f"{home}/root.pem"
    name = "s0.svc.internal"
    yield "verify a chain of three", 5, {
        "certgen": [certgen, "verify", chain, "--trust", root, "--name", name],
        "openssl": ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", name,
                    "-trusted", root, "-untrusted", f"{home}/intermediate.pem", f"{home}/s0/certificate.pem"],
    }
    yield "show a certificate", 5, {
        "certgen": [certgen, "inspect", f"{home}/s0/certificate.pem"],
        "openssl": ["openssl", "x509", "-noout", "-text", "-in", f"{home}/s0/certificate.pem"],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("certgen", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    certgen = str(arguments.certgen.resolve(strict=True))
    print(f"{'what':<32} {'by':<8} {'CPU ms':>8} {'wall ms':>8} {'CPU ratio':>9} {'bar ms':>6}")
    with tempfile.TemporaryDirectory(prefix="certgen-bench.") as work:
        home = f"{work}/home"
        subprocess.run([certgen, "init", "bench", "--out", home, "--service", "s0=s0.svc.internal"],
                       check=True, capture_output=True)
        for what, bar, commands in comparisons(certgen, home):
            commands = {by: command for by, command in commands.items() if by == "certgen" or shutil.which(by)}
            measured = {by: [] for by in commands}
            for _ in range(arguments.rounds):
                for by, command in commands.items():
                    with tempfile.TemporaryDirectory(dir=work) as directory:
                        measured[by].append(measure(command, directory))
            ours = None
            for by, times in measured.items():
                cpu, wall = (statistics.median(column) for column in zip(*times))
                ours = ours or cpu
                print(f"{what:<32} {by:<8} {cpu:>8.1f} {wall:>8.1f} {cpu / ours:>9.1f} {bar if by == 'certgen' else '-':>6}",
                      flush=True)
                what = ""


main()

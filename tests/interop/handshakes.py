#!/usr/bin/env python3
"""Has mutual TLS spoken with what certgen makes: OpenSSL, Python, Node, Java and rustls, each as server and as client.

    handshakes.py CERTGEN TLS_PEER

TLS_PEER is certgen's example of that name. Every server meets every client with good certificates, and with revocation lists;
each is then given what it has to refuse. What is not installed is named and left out; with REQUIRE_ALL=1 in the environment that
is a failure. Exit code: 0 when nothing failed, 1 when something did.
"""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
NAME = "api.svc.internal"
SECONDS = 20


class Peer:
    """A program that is one end: `server CA CHAIN KEY CRLS`, `client PORT NAME CA CHAIN KEY CRLS`."""

    def __init__(self, name, *command):
        self.name = name
        self.command = [str(part) for part in command]

    def server(self, trust, identity, lists):
        return [*self.command, "server", trust, *identity.files, lists]

    def client(self, port, name, trust, identity, lists):
        return [*self.command, "client", port, name, trust, *identity.files, lists]


class OpenSsl(Peer):
    """The same with s_server, which gives lines back in reverse, and s_client."""

    def __init__(self, work):
        super().__init__("openssl")
        self.work = work

    def both(self, trust, identity, lists):
        arguments = ["-x509_strict", "-verify_return_error"]
        if identity.directory:
            directory = identity.directory
            arguments += ["-cert", f"{directory}/certificate.pem", "-key", f"{directory}/key.pem"]
            arguments += ["-cert_chain", f"{directory}/chain.pem"]
        if lists == "-":
            return [*arguments, "-CAfile", trust]
        # Of a file given with -CRL it reads the first list only, of this one all.
        both = pathlib.Path(self.work, "trust-and-lists.pem")
        both.write_text(pathlib.Path(trust).read_text() + pathlib.Path(lists).read_text())
        return [*arguments, "-crl_check_all", "-CAfile", both]

    def server(self, trust, identity, lists):
        return ["openssl", "s_server", "-accept", "127.0.0.1:0", "-rev", "-Verify", "2", *self.both(trust, identity, lists)]

    def client(self, port, name, trust, identity, lists):
        connect = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", name, "-verify_hostname", name]
        return [*connect, "-quiet", *self.both(trust, identity, lists)]


class Identity:
    """A service's directory, or none."""

    def __init__(self, directory=None):
        self.directory = directory
        self.files = [f"{directory}/fullchain.pem", f"{directory}/key.pem"] if directory else ["-", "-"]


class Report:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, title, good, said):
        if good:
            self.passed += 1
            print("ok      ", title, flush=True)
        else:
            self.failed += 1
            print("FAILED  ", title, flush=True)
            for line in said.splitlines()[-12:]:
                print("         ", line)

    def missing(self, program):
        if os.environ.get("REQUIRE_ALL") == "1":
            self.check(f"{program} is installed", False, "REQUIRE_ALL=1")
        else:
            self.skipped += 1
            print("skipped ", program, "is not installed", flush=True)


@contextlib.contextmanager
def serving(command, log):
    """Starts a server and gives its port."""
    with open(log, "wb") as errors:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
        try:
            for line in process.stdout:
                words = line.decode().split()
                if words and words[0] in ("PORT", "ACCEPT"):
                    # OpenSSL waits for the reader otherwise when the pipe is full.
                    os.set_blocking(process.stdout.fileno(), False)
                    yield words[1].rpartition(":")[2]
                    return
            sys.exit(f"{command} did not start: {pathlib.Path(log).read_text()}")
        finally:
            process.kill()
            process.wait()


def answered(command):
    """Whether a client got an answer, and what it said. OpenSSL's is told to stop, which it does not by itself."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(b"ping\n")
        process.stdin.flush()
    patience = threading.Timer(SECONDS, process.kill)
    patience.start()
    # A line, or the end: with a refusal the client ends.
    line = process.stdout.readline()
    patience.cancel()
    process.kill()
    _, errors = process.communicate()
    return line.strip() in (b"pong", b"gnip"), line.decode(errors="replace") + errors.decode(errors="replace")


class Pki:
    """What certgen makes for one kind of key."""

    def __init__(self, certgen, directory, *options):
        self.certgen, self.directory = certgen, directory
        services = ["--server", f"api={NAME},127.0.0.1", "--client", "worker", "--service", "mesh=mesh.svc.internal"]
        services += ["--server", f"stolen={NAME}", "--client", "leaver"]
        self.run("init", "interop", "--out", directory, *services, *options)

    def run(self, *arguments):
        subprocess.run([self.certgen, *arguments], check=True, capture_output=True)

    def revoke(self, *names):
        self.run("revoke", "--ca", self.directory, *names)

    def service(self, name):
        return Identity(f"{self.directory}/{name}")

    @property
    def trust(self):
        return f"{self.directory}/api/ca.pem"

    @property
    def lists(self):
        return f"{self.directory}/crl.pem"


def peers(report, tls_peer, work):
    found = []
    for name, program, make in [
        ("openssl", "openssl", lambda: OpenSsl(work)),
        ("python", sys.executable, lambda: Peer("python", sys.executable, HERE / "tls_peer.py")),
        ("node", "node", lambda: Peer("node", "node", HERE / "tls_peer.mjs")),
        ("java", "javac", lambda: java(work)),
        ("rustls", tls_peer, lambda: Peer("rustls", tls_peer)),
    ]:
        if shutil.which(program):
            found.append(make())
        else:
            report.missing(program)
    return found


def java(work):
    subprocess.run(["javac", "-d", work, HERE / "TlsPeer.java"], check=True)
    return Peer("java", "java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-cp", work, "TlsPeer")


def every_pair(report, found, pki, log):
    """Good certificates are welcome at both ends, without and with lists."""
    for server in found:
        for lists in ("-", pki.lists):
            with serving(server.server(pki.trust, pki.service("api"), lists), log) as port:
                for client in found:
                    who = "worker" if lists == "-" else "mesh"
                    good, said = answered(client.client(port, NAME, pki.trust, pki.service(who), lists))
                    with_lists = "" if lists == "-" else ", with lists"
                    report.check(f"{server.name} serves {client.name} as {who}{with_lists}", good, said)


def what_servers_refuse(report, found, pki, other, log):
    """OpenSSL and rustls as clients, which do not look at their own certificate first."""
    clients = [client for client in found if client.name in ("openssl", "rustls")]
    cases = [
        ("without a certificate", Identity(), "-"),
        ("of another authority", other.service("worker"), "-"),
        ("with a server's certificate", pki.service("api"), "-"),
        ("that was revoked", pki.service("leaver"), pki.lists),
    ]
    for server in found:
        for what, identity, lists in cases:
            with serving(server.server(pki.trust, pki.service("api"), lists), log) as port:
                for client in clients:
                    good, said = answered(client.client(port, NAME, pki.trust, identity, "-"))
                    report.check(f"{server.name} refuses {client.name} {what}", not good, said)


def what_clients_refuse(report, found, pki, other, log):
    servers = [server for server in found if server.name in ("openssl", "rustls")]
    cases = [
        ("of another authority", other.service("api"), NAME, "-"),
        ("with a client's certificate", pki.service("worker"), "worker", "-"),
        ("under another name", pki.service("api"), "mesh.svc.internal", "-"),
        ("that was revoked", pki.service("stolen"), NAME, pki.lists),
    ]
    for server in servers:
        for what, identity, name, lists in cases:
            with serving(server.server(pki.trust, identity, "-"), log) as port:
                for client in found:
                    good, said = answered(client.client(port, name, pki.trust, pki.service("mesh"), lists))
                    report.check(f"{client.name} refuses {server.name} {what}", not good, said)


def other_keys(report, found, pki, kind, log):
    """Each against one other: whether it can handle such keys at all."""
    for one, another in zip(found, found[1:] + found[:1]):
        with serving(one.server(pki.trust, pki.service("api"), pki.lists), log) as port:
            good, said = answered(another.client(port, NAME, pki.trust, pki.service("worker"), pki.lists))
            report.check(f"{kind}: {one.name} serves {another.name}", good, said)


def main():
    certgen, tls_peer = sys.argv[1:]
    report = Report()
    with tempfile.TemporaryDirectory() as work:
        log = f"{work}/server.log"
        found = peers(report, tls_peer, work)
        pki, other = Pki(certgen, f"{work}/p256"), Pki(certgen, f"{work}/other")
        pki.revoke("stolen", "leaver")
        every_pair(report, found, pki, log)
        what_servers_refuse(report, found, pki, other, log)
        what_clients_refuse(report, found, pki, other, log)
        for kind in ("p384", "ed25519", "rsa-2048"):
            made = Pki(certgen, f"{work}/{kind}", "--key", kind)
            made.revoke("leaver")
            other_keys(report, found, made, kind, log)
        limited = Pki(certgen, f"{work}/limited", "--permit-dns", "svc.internal", "--permit-dns", "worker",
                      "--permit-dns", "leaver", "--permit-ip", "127.0.0.0/8")
        limited.revoke("leaver")
        other_keys(report, found, limited, "name constraints", log)
    print(f"handshakes: {report.passed} passed, {report.failed} failed, {report.skipped} skipped")
    sys.exit(report.failed > 0)


main()

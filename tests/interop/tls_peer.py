#!/usr/bin/env python3
"""Python's ssl as one end of a mutual TLS connection; its flags stand in for Python 3.13, which sets them by default.

    tls_peer.py server CA CHAIN KEY CRLS
    tls_peer.py client PORT NAME CA CHAIN KEY CRLS

PEM files; `-` for no lists, and for a client without a certificate. A server says `PORT n` and answers `pong` to the first
line of each connection. A client exits with 0 when it was answered.
"""

import socket
import ssl
import sys


def context(protocol: int, ca: str, chain: str, key: str, crls: str) -> ssl.SSLContext:
    made = ssl.SSLContext(protocol)
    made.verify_mode = ssl.CERT_REQUIRED
    made.verify_flags |= ssl.VERIFY_X509_STRICT
    made.load_verify_locations(ca)
    if crls != "-":
        made.load_verify_locations(crls)
        made.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    if chain != "-":
        made.load_cert_chain(chain, key)
    return made


def serve(ca: str, chain: str, key: str, crls: str) -> None:
    made = context(ssl.PROTOCOL_TLS_SERVER, ca, chain, key, crls)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print("PORT", listener.getsockname()[1], flush=True)
        while True:
            plain, _ = listener.accept()
            plain.settimeout(10)
            try:
                with made.wrap_socket(plain, server_side=True) as peer:
                    peer.makefile().readline()
                    peer.sendall(b"pong\n")
            except OSError as error:
                print("refused:", error, file=sys.stderr, flush=True)


def connect(port: str, name: str, ca: str, chain: str, key: str, crls: str) -> None:
    made = context(ssl.PROTOCOL_TLS_CLIENT, ca, chain, key, crls)
    with socket.create_connection(("127.0.0.1", int(port)), timeout=10) as plain:
        with made.wrap_socket(plain, server_hostname=name) as peer:
            peer.sendall(b"ping\n")
            print(peer.makefile().readline(), end="")


try:
    {"server": serve, "client": connect}[sys.argv[1]](*sys.argv[2:])
except OSError as failure:
    sys.exit(f"refused: {failure}")

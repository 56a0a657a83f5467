#!/usr/bin/env python3
"""jwcrypto's part of keys.sh: JWKs in both directions, thumbprints, and JWKs that must be refused.

Usage: keys.py CONVERT_KEY
"""

import json
import subprocess
import sys

from jwcrypto import jwk

CONVERT_KEY = sys.argv[1]
KINDS = [
    {"kty": "RSA", "size": 2048},
    {"kty": "EC", "crv": "P-256"},
    {"kty": "EC", "crv": "P-384"},
    {"kty": "OKP", "crv": "Ed25519"},
]
PRIVATE = {"d", "p", "q", "dp", "dq", "qi"}


def convert(source, target, text):
    """What cryptokit makes of the text, or None when it refuses it."""
    done = subprocess.run([CONVERT_KEY, source, target], input=text.encode(), capture_output=True)
    return done.stdout.decode() if done.returncode == 0 else None


def ok(condition, title):
    if not condition:
        sys.exit(f"FAILED   (jwcrypto) {title}")
    print(f"ok       (jwcrypto) {title}")


def material(text):
    """The members that are the key."""
    return {name: value for name, value in json.loads(text).items() if name not in ("kid", "use", "alg", "key_ops")}


def main():
    for kind in KINDS:
        name = kind.get("crv", kind["kty"])
        theirs = jwk.JWK.generate(**kind)
        pem = theirs.export_to_pem(private_key=True, password=None).decode()
        private, public = theirs.export_private(), theirs.export_public()

        ok(material(convert("pem", "jwk", pem)) == material(private), f"{name}: our private JWK is theirs")
        ok(material(convert("pem", "public-jwk", pem)) == material(public), f"{name}: our public JWK is theirs")
        ok(not PRIVATE & set(json.loads(convert("pem", "public-jwk", pem))), f"{name}: nothing private in it")
        ok(convert("jwk", "thumbprint", private) == theirs.thumbprint(), f"{name}: the same thumbprint")
        ok(convert("public-jwk", "thumbprint", public) == theirs.thumbprint(), f"{name}: of the public half as well")

        ours = jwk.JWK.from_json(convert("pem", "jwk", pem))
        ok(ours.thumbprint() == theirs.thumbprint() and ours.has_private, f"{name}: reads our private JWK")
        ok(ours.kid == theirs.thumbprint(), f"{name}: whose kid is the thumbprint")
        ours = jwk.JWK.from_pem(convert("jwk", "pem", private).encode())
        ok(ours.export_private(as_dict=True)["d"] == json.loads(private)["d"], f"{name}: reads our PEM of its JWK")

        ok(convert("public-jwk", "public-pem", private) is None, f"{name}: a private JWK is no public one")
        ok(convert("jwk", "pem", public) is None, f"{name}: nor the reverse")
        other = json.loads(jwk.JWK.generate(**kind).export_private())
        crossed = dict(json.loads(private), d=other["d"])
        ok(convert("jwk", "pem", json.dumps(crossed)) is None, f"{name}: halves of two keys are refused")

    for kind in [{"kty": "oct", "size": 256}, {"kty": "EC", "crv": "P-521"}, {"kty": "EC", "crv": "secp256k1"},
                 {"kty": "OKP", "crv": "X25519"}, {"kty": "OKP", "crv": "Ed448"}]:
        text = jwk.JWK.generate(**kind).export()
        ok(convert("jwk", "pem", text) is None, f"{kind.get('crv', kind['kty'])} is refused")


main()

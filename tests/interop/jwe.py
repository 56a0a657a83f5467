#!/usr/bin/env python3
"""joserfc's and jwcrypto's part of jwe.sh.

    jwe.py LIBRARY keygen BITS PRIVATE.pem PUBLIC.jwk
    jwe.py LIBRARY encrypt compact|json ALG PLAINTEXT MESSAGE PUBLIC.jwk...
    jwe.py LIBRARY decrypt compact|json MESSAGE PLAINTEXT PRIVATE.pem
    jwe.py LIBRARY verify JWS PLAINTEXT PUBLIC.jwk
    jwe.py joserfc encrypt-zip PLAINTEXT MESSAGE PUBLIC.jwk

Exits with 1 when the library refuses.
"""

import json
import pathlib
import sys

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


def read(path):
    return pathlib.Path(path).read_bytes()


def write(path, content):
    pathlib.Path(path).write_bytes(content if isinstance(content, bytes) else content.encode())


def keygen(bits, private, public, to_jwk):
    key = rsa.generate_private_key(public_exponent=65537, key_size=int(bits))
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(encoding, form, serialization.NoEncryption())
    pathlib.Path(private).touch(mode=0o600)
    write(private, pem)
    write(public, json.dumps(to_jwk(pem)))


class Joserfc:
    ALGORITHMS = ["RSA-OAEP", "RSA-OAEP-256", "A256GCM", "DEF"]

    def __init__(self):
        from joserfc import jwe, jwk, jws

        self.jwe, self.jwk, self.jws = jwe, jwk, jws
        # RFC 7516 §4: members that are not understood are ignored. By default joserfc refuses them.
        self.registry = jwe.JWERegistry(algorithms=self.ALGORITHMS, strict_check_header=False)

    def to_jwk(self, pem):
        key = self.jwk.RSAKey.import_key(pem)
        return {**key.as_dict(private=False), "kid": key.thumbprint(), "use": "enc", "alg": "RSA-OAEP-256"}

    def public(self, path):
        members = json.loads(read(path))
        # It checks `alg` against the message's; RSA-OAEP is tried with the same key.
        return members["kid"], self.jwk.RSAKey.import_key({name: members[name] for name in ("kty", "n", "e")})

    def encrypt(self, form, alg, plaintext, paths, zipped=False):
        keys = [self.public(path) for path in paths]
        if form == "compact":
            header = {"alg": alg, "enc": "A256GCM", "kid": keys[0][0]}
            if zipped:
                header["zip"] = "DEF"
            return self.jwe.encrypt_compact(header, plaintext, keys[0][1], registry=self.registry)
        message = self.jwe.GeneralJSONEncryption({"enc": "A256GCM"}, plaintext)
        for kid, key in keys:
            message.add_recipient({"alg": alg, "kid": kid}, key)
        return json.dumps(self.jwe.encrypt_json(message, None, registry=self.registry))

    def decrypt(self, form, message, path):
        key = self.jwk.RSAKey.import_key(read(path))
        if form == "compact":
            return self.jwe.decrypt_compact(message, key, registry=self.registry).plaintext
        # It wants a key for every recipient; this one is for one of them.
        value, own = json.loads(message), key.thumbprint()
        value["recipients"] = [one for one in value["recipients"] if one["header"]["kid"] == own]
        return self.jwe.decrypt_json(value, key, registry=self.registry).plaintext

    def verify(self, text, path):
        _, key = self.public(path)
        registry = self.jws.JWSRegistry(algorithms=["RS256"], strict_check_header=False)
        found = self.jws.deserialize_compact(text, key, registry=registry)
        return found.headers(), found.payload


class Jwcrypto:
    ALGORITHMS = ["RSA-OAEP", "RSA-OAEP-256", "A256GCM"]

    def __init__(self):
        from jwcrypto import jwe, jwk, jws

        self.jwe, self.jwk, self.jws = jwe, jwk, jws

    def to_jwk(self, pem):
        key = self.jwk.JWK.from_pem(pem)
        members = key.export_public(as_dict=True)
        return {**members, "kid": key.thumbprint(), "use": "enc", "alg": "RSA-OAEP-256"}

    def public(self, path):
        members = json.loads(read(path))
        return members["kid"], self.jwk.JWK(**{name: members[name] for name in ("kty", "n", "e", "kid")})

    def encrypt(self, form, alg, plaintext, paths):
        keys = [self.public(path) for path in paths]
        if form == "compact":
            header = {"alg": alg, "enc": "A256GCM", "kid": keys[0][0]}
            message = self.jwe.JWE(plaintext, protected=header, algs=self.ALGORITHMS)
            message.add_recipient(keys[0][1])
            return message.serialize(compact=True)
        message = self.jwe.JWE(plaintext, protected={"enc": "A256GCM"}, algs=self.ALGORITHMS)
        for kid, key in keys:
            message.add_recipient(key, header=json.dumps({"alg": alg, "kid": kid}))
        return message.serialize()

    def decrypt(self, form, message, path):
        opened = self.jwe.JWE(algs=self.ALGORITHMS)
        opened.deserialize(message, self.jwk.JWK.from_pem(read(path)))
        return opened.payload

    def verify(self, text, path):
        found = self.jws.JWS()
        found.deserialize(text, self.public(path)[1])
        return found.jose_header, found.payload


def main():
    library, command, *arguments = sys.argv[1:]
    library = {"joserfc": Joserfc, "jwcrypto": Jwcrypto}[library]()
    try:
        match command, arguments:
            case "keygen", [bits, private, public]:
                keygen(bits, private, public, library.to_jwk)
            case "encrypt", [form, alg, plaintext, message, *public]:
                write(message, library.encrypt(form, alg, read(plaintext), public))
            case "encrypt-zip", [plaintext, message, public]:
                write(message, library.encrypt("compact", "RSA-OAEP-256", read(plaintext), [public], zipped=True))
            case "decrypt", [form, message, plaintext, private]:
                write(plaintext, library.decrypt(form, read(message).decode(), private))
            case "verify", [text, plaintext, public]:
                header, payload = library.verify(read(text).decode(), public)
                if header["typ"] != "cryptokit-signed" or not header["recipients"]:
                    sys.exit(f"the signed header is {header}")
                write(plaintext, payload)
            case _:
                sys.exit(__doc__)
    except Exception as error:  # whatever a library raises is its refusal
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""PyJWT's part of tokens.sh.

verify: accepts a token as authsvc issues it with the keys of its JWKS, and refuses each altered form of it.
forge:  writes tokens that authsvc must refuse: signed with a foreign key, or not at all.
"""

import argparse
import json
import pathlib
import sys

import jwt

REQUIRED = ["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id"]


def verify(arguments):
    token = arguments.token.read_text()
    keys = jwt.PyJWKSet.from_dict(json.loads(arguments.jwks.read_text()))
    header = jwt.get_unverified_header(token)
    key = keys[header["kid"]]

    def decode(text, audience=arguments.audience, issuer=arguments.issuer, **more):
        return jwt.decode(
            text,
            key,
            algorithms=["RS256"],
            audience=audience,
            issuer=issuer,
            **{"options": {"require": REQUIRED}, **more},
        )

    def refused(title, error, *args, **kwargs):
        try:
            decode(*args, **kwargs)
        except error:
            print(f"ok       (PyJWT) refuses {title}")
        else:
            sys.exit(f"FAILED   (PyJWT) accepts {title}")

    # RFC 9068 §2.1
    if header["typ"] != "at+jwt" or header["alg"] != "RS256":
        sys.exit(f"FAILED   the token's header is {header}")
    claims = decode(token)
    if claims["sub"] == claims.get("email"):
        sys.exit("FAILED   the subject is the address, not an id")
    print("ok       (PyJWT) accepts the token")

    head, payload, signature = token.split(".")
    refused("an altered payload", jwt.InvalidSignatureError, f"{head}.{altered(payload)}.{signature}")
    refused("an altered header", jwt.InvalidTokenError, f"{altered(head)}.{payload}.{signature}")
    refused("an altered signature", jwt.InvalidSignatureError, f"{head}.{payload}.{altered(signature)}")
    refused("another audience", jwt.InvalidAudienceError, token, audience="somebody-else")
    refused("another issuer", jwt.InvalidIssuerError, token, issuer="https://somebody-else.example")
    # A negative leeway puts the end into the past, and with it a beginning into the future.
    lifetime = claims["exp"] - claims["iat"]
    late = {"leeway": -lifetime - 1, "options": {"verify_iat": False, "verify_nbf": False}}
    refused("the token after its end", jwt.ExpiredSignatureError, token, **late)


def altered(part):
    """The part with a character in its middle changed to another of the alphabet."""
    middle = len(part) // 2
    return part[:middle] + ("A" if part[middle] != "A" else "B") + part[middle + 1 :]


def forge(arguments):
    token = arguments.token.read_text()
    foreign = arguments.key.read_text()
    claims = jwt.decode(token, options={"verify_signature": False})
    header = jwt.get_unverified_header(token)
    kid = header["kid"]

    arguments.out.mkdir()

    def write(name, key, algorithm, kid):
        headers = {"typ": header["typ"], "kid": kid}
        (arguments.out / name).write_text(jwt.encode(claims, key, algorithm=algorithm, headers=headers))

    write("our-kid", foreign, "RS256", kid)
    write("own-kid", foreign, "RS256", "foreign")
    write("none", None, "none", kid)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)

    command = commands.add_parser("verify")
    command.add_argument("--token", type=pathlib.Path, required=True)
    command.add_argument("--jwks", type=pathlib.Path, required=True)
    command.add_argument("--issuer", required=True)
    command.add_argument("--audience", required=True)
    command.set_defaults(run=verify)

    command = commands.add_parser("forge")
    command.add_argument("--token", type=pathlib.Path, required=True)
    command.add_argument("--key", type=pathlib.Path, required=True)
    command.add_argument("--out", type=pathlib.Path, required=True)
    command.set_defaults(run=forge)

    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""PyJWT's and joserfc's part of rotation_of_keys.sh.

  rotation_of_keys.py accept|refuse TOKEN KEYS ISSUER AUDIENCE
  rotation_of_keys.py kid TOKEN

accept: both verify the token with that key set. refuse: neither does, because the set lacks the token's key.
"""

import json
import pathlib
import sys

import jwt
from joserfc import jwt as jose_jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet


def by_pyjwt(token, keys, issuer, audience):
    kid = jwt.get_unverified_header(token)["kid"]
    # A KeyError is the answer of a set without that key.
    key = jwt.PyJWKSet.from_dict(keys)[kid]
    return jwt.decode(token, key, algorithms=["RS256"], audience=audience, issuer=issuer)


def by_joserfc(token, keys, issuer, audience):
    decoded = jose_jwt.decode(token, KeySet.import_key_set(keys), algorithms=["RS256"])
    claims = jose_jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
        exp={"essential": True},
    )
    claims.validate(decoded.claims)
    return decoded.claims


def main():
    what, *files = sys.argv[1:]
    token = pathlib.Path(files[0]).read_text()
    if what == "kid":
        print(jwt.get_unverified_header(token)["kid"])
        return
    keys = json.loads(pathlib.Path(files[1]).read_text())
    issuer, audience = files[2:]
    if what == "accept":
        subjects = [judge(token, keys, issuer, audience)["sub"] for judge in (by_pyjwt, by_joserfc)]
        if len(set(subjects)) != 1:
            sys.exit(f"they read different subjects: {subjects}")
        return
    kid = jwt.get_unverified_header(token)["kid"]
    if kid in [key["kid"] for key in keys["keys"]]:
        sys.exit("the set has the key: this shows nothing")
    for judge, error in ((by_pyjwt, KeyError), (by_joserfc, (JoseError, ValueError))):
        try:
            judge(token, keys, issuer, audience)
        except error:
            continue
        sys.exit(f"{judge.__name__} accepts it")


main()

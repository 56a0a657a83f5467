#!/usr/bin/env python3
"""Has PyJWT and jwcrypto judge tokens and JWK Sets of every algorithm, and judges theirs.

    token_algorithms.py BINARY    (cryptokit's example "tokens")

Exit code: 0 when all is well, 1 when not, 2 for wrong usage.
"""

import json
import subprocess
import sys

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives import hashes
from jwcrypto import jwk as jwcrypto_jwk
from jwcrypto import jws as jwcrypto_jws

ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
ISSUER, AUDIENCE, NOW = "https://auth.example", "orders", 1_800_000_000
CLAIMS = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "user-2",
    "client_id": "python",
    "jti": "token-2",
    "iat": NOW,
    "exp": NOW + 900,
}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    binary = sys.argv[1]
    for algorithm in ALGORITHMS:
        ours_judged_by_pyjwt(binary, algorithm)
        ours_judged_by_jwcrypto(binary, algorithm)
        theirs_judged_by_us(binary, algorithm)
    print("token algorithms: all as it should be")


def issue(binary, algorithm):
    return json.loads(run(binary, "issue", algorithm).stdout)


def run(binary, *arguments, document=None):
    text = None if document is None else json.dumps(document)
    return subprocess.run([binary, *arguments], input=text, capture_output=True, text=True, timeout=60)


def ours_judged_by_pyjwt(binary, algorithm):
    issued = issue(binary, algorithm)
    token, header = issued["token"], jwt.get_unverified_header(issued["token"])
    check(header == {"alg": algorithm, "typ": "at+jwt", "kid": header["kid"]}, f"the header is {header}")
    # The key comes with the algorithm that its JWK names; no other is accepted.
    key = jwt.PyJWKSet.from_dict(issued["jwks"])[header["kid"]]

    def decode(text, algorithms=(algorithm,)):
        # The times are those of the past or the future, whenever this runs.
        options = {"verify_exp": False, "verify_iat": False, "require": list(CLAIMS)}
        return jwt.decode(text, key, algorithms=algorithms, audience=AUDIENCE, issuer=ISSUER, options=options)

    check(decode(token)["sub"] == "user-1", "another subject")
    ok(f"(PyJWT) {algorithm}: accepts our token with our JWKS")
    head, payload, signature = token.split(".")
    for title, text in [
        ("payload", f"{head}.{altered(payload)}.{signature}"),
        ("signature", f"{head}.{payload}.{altered(signature)}"),
    ]:
        refused(jwt.InvalidSignatureError, decode, text)
        ok(f"(PyJWT) {algorithm}: refuses an altered {title}")
    others = [other for other in ALGORITHMS if other != algorithm]
    refused(jwt.InvalidAlgorithmError, decode, token, others)


def ours_judged_by_jwcrypto(binary, algorithm):
    issued = issue(binary, algorithm)
    keys = jwcrypto_jwk.JWKSet.from_json(json.dumps(issued["jwks"]))
    signed = jwcrypto_jws.JWS()
    signed.allowed_algs = [algorithm]
    signed.deserialize(issued["token"])
    (key,) = keys
    signed.verify(key)
    # RFC 7638: both compute the same thumbprint.
    check(key.thumbprint() == key["kid"], "another thumbprint")
    ok(f"(jwcrypto) {algorithm}: accepts our token with our JWKS, and computes the same kid")


def theirs_judged_by_us(binary, algorithm):
    private = generate(algorithm)
    key = jwcrypto_jwk.JWK.from_pyca(private)
    kid = key.thumbprint()
    public = {**json.loads(key.export_public()), "use": "sig", "alg": algorithm, "kid": kid}
    unrelated = {"kty": "EC", "crv": "P-521", "kid": "other", "x": "AQ", "y": "AQ"}
    jwks = {"keys": [unrelated, public]}
    headers = {"typ": "at+jwt", "kid": kid}
    token = jwt.encode(CLAIMS, private, algorithm=algorithm, headers=headers)

    verdict = run(binary, "verify", document={"token": token, "jwks": jwks})
    check(verdict.returncode == 0 and verdict.stdout == "user-2\n", f"{algorithm}: {verdict.stderr}")
    ok(f"{algorithm}: we accept PyJWT's token with jwcrypto's key")

    head, payload, signature = token.split(".")
    stranger = jwt.encode(CLAIMS, generate(algorithm), algorithm=algorithm, headers=headers)
    cases = {
        "an altered payload": f"{head}.{altered(payload)}.{signature}",
        "a stranger's signature": stranger,
        "an unsigned token": jwt.encode(CLAIMS, None, algorithm="none", headers=headers),
        "the public key as HMAC secret": jwt.encode(CLAIMS, public.get("n", public.get("x")), "HS256", headers),
        "another type": jwt.encode(CLAIMS, private, algorithm=algorithm, headers={**headers, "typ": "JWT"}),
        "an expired token": jwt.encode({**CLAIMS, "exp": NOW}, private, algorithm=algorithm, headers=headers),
    }
    if algorithm == "RS256":
        cases["a PSS signature"] = jwt.encode(CLAIMS, private, algorithm="PS256", headers=headers)
    if algorithm == "PS256":
        # RFC 7518 §3.5: the salt is as long as the digest. PyJWT signs that way; here is one that does not.
        signed = f"{head}.{payload}".encode()
        pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=20)
        cases["a salt of 20 bytes"] = f"{head}.{payload}.{base64url(private.sign(signed, pss, hashes.SHA256()))}"
    if algorithm == "ES256":
        der = private.sign(f"{head}.{payload}".encode(), ec.ECDSA(hashes.SHA256()))
        cases["a signature in DER"] = f"{head}.{payload}.{base64url(der)}"
    for title, text in cases.items():
        verdict = run(binary, "verify", document={"token": text, "jwks": jwks})
        check(verdict.returncode == 1 and "error: token" in verdict.stderr, f"{algorithm}: accepts {title}")
        ok(f"{algorithm}: we refuse {title}")

    leaked = {"keys": [{**json.loads(key.export_private()), "alg": algorithm, "kid": kid}]}
    verdict = run(binary, "verify", document={"token": token, "jwks": leaked})
    check(verdict.returncode == 1 and "private" in verdict.stderr, f"{algorithm}: accepts a private key")
    ok(f"{algorithm}: we refuse a set with a private key")


def generate(algorithm):
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def base64url(data):
    return jwt.utils.base64url_encode(data).decode()


def altered(part):
    """The part with a character in its middle changed to another of the alphabet."""
    middle = len(part) // 2
    return part[:middle] + ("A" if part[middle] != "A" else "B") + part[middle + 1 :]


def refused(error, function, *arguments):
    try:
        function(*arguments)
    except error:
        return
    fail(f"not refused with {error.__name__}")


def check(condition, message):
    if not condition:
        fail(message)


def ok(message):
    print(f"ok       {message}")


def fail(message):
    sys.exit(f"FAILED   {message}")


if __name__ == "__main__":
    main()

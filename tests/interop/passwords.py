#!/usr/bin/env python3
"""Judges password hashes in both directions: those of bcrypt, argon2-cffi, libpass, Django and hashlib verify here, and
ours are recomputed there, Argon2's secret value by the reference C library.

    passwords.py EXAMPLE

EXAMPLE is the built example `password_hashes` of cryptokit, which is asked over its standard input. Stops at the first
thing that is not as it should be. Exit code: 0 when all is well, 1 when not.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys

import argon2
import bcrypt
import django
from argon2.low_level import Type, core, ffi, hash_secret, lib
from django.conf import settings
from passlib.hash import pbkdf2_sha1, pbkdf2_sha256, pbkdf2_sha512
from passlib.hash import scrypt as passlib_scrypt

settings.configure()
django.setup()

from django.contrib.auth import hashers  # noqa: E402: it reads the settings when imported

# The example's.
PEPPER = bytes(range(32))
UNLABELLED_PEPPERS = [f"pepper-{index}" for index in range(5)]

PASSWORDS = ["correct horse", "p", "x" * 72, "pässwörd 密码 🔑", " spaces and\ttabs ", "y" * 200]
WRONG = "wrong horse"


class Ours:
    """The example, running."""

    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def make(self, scheme, password):
        return self.ask(make=scheme, password=password)["hash"]

    def close(self):
        self.process.stdin.close()
        if self.process.wait(timeout=30) != 0:
            die("the example failed")


def die(what):
    print(f"FAILED   {what}", file=sys.stderr)
    sys.exit(1)


def ok(what):
    print(f"ok       {what}")


def expect(what, condition):
    if not condition:
        die(what)


def b64decode(text):
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def b64encode(data):
    return base64.b64encode(data).decode().rstrip("=")


# ---- made there, verified here ---------------------------------------------------------------------------------------


def by_bcrypt(prefix):
    return lambda password: bcrypt.hashpw(password.encode(), bcrypt.gensalt(10, prefix=prefix)).decode()


def by_argon2(kind, version):
    # 64 MiB, three passes, four lanes: RFC 9106's second choice, and argon2-cffi's default.
    costs = argon2.profiles.RFC_9106_LOW_MEMORY
    return lambda password: hash_secret(
        password.encode(), os.urandom(16), costs.time_cost, costs.memory_cost, costs.parallelism, 32, kind, version
    ).decode()


def by_hashlib(password):
    salt = os.urandom(16)
    tag = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 210_000, 64)
    return f"$pbkdf2-sha512$i=210000,l=64${b64encode(salt)}${b64encode(tag)}"


def scrypt_by_hashlib(password):
    salt = os.urandom(16)
    tag = hashlib.scrypt(password.encode(), salt=salt, n=1 << 14, r=8, p=5, maxmem=1 << 26, dklen=32)
    return f"$scrypt$ln=14,r=8,p=5${b64encode(salt)}${b64encode(tag)}"


def php_style(password):
    return by_bcrypt(b"2b")(password).replace("$2b$", "$2y$", 1)


FOREIGN = {
    "bcrypt 2a": by_bcrypt(b"2a"),
    "bcrypt 2b": by_bcrypt(b"2b"),
    "bcrypt 2y": php_style,
    "libpass pbkdf2_sha1": pbkdf2_sha1.hash,
    "libpass pbkdf2_sha256": pbkdf2_sha256.hash,
    "libpass pbkdf2_sha512": pbkdf2_sha512.hash,
    "libpass scrypt": passlib_scrypt.hash,
    "hashlib pbkdf2 in PHC form": by_hashlib,
    "hashlib scrypt in PHC form": scrypt_by_hashlib,
    "Django pbkdf2_sha256": lambda password: hashers.PBKDF2PasswordHasher().encode(password, os.urandom(11).hex()),
    "Django pbkdf2_sha1": lambda password: hashers.PBKDF2SHA1PasswordHasher().encode(password, os.urandom(11).hex()),
    "argon2-cffi argon2id": by_argon2(Type.ID, 19),
    "argon2-cffi argon2i": by_argon2(Type.I, 19),
    "argon2-cffi argon2d": by_argon2(Type.D, 19),
    "argon2-cffi argon2id of version 16": by_argon2(Type.ID, 16),
    "argon2-cffi argon2i of version 16": by_argon2(Type.I, 16),
}


def accepted(answer):
    return answer == {"ok": True, "needs_rehash": True}


def refused(answer):
    return answer == {"ok": False, "needs_rehash": False}


def foreign_hashes_verify(ours):
    for name, make in FOREIGN.items():
        # Each password with the cheap ones; two, of which one is not ASCII, with all.
        passwords = PASSWORDS[:1] + PASSWORDS[3:4] if "Django" in name or "argon2" in name else PASSWORDS
        for password in passwords:
            if name.startswith("bcrypt") and len(password.encode()) > 72:
                # What older versions did; this one refuses to.
                stored = make(password.encode()[:72].decode())
            else:
                stored = make(password)
            expect(f"{name}: {password!r} is accepted", accepted(ours.ask(verify=stored, password=password)))
        expect(f"{name}: another password is refused", refused(ours.ask(verify=stored, password=WRONG)))
        ok(f"{name}: {len(passwords)} passwords verify here")


def unlabelled_hashes_verify(ours):
    for pepper in UNLABELLED_PEPPERS:
        salt = os.urandom(32).hex()
        digest = hashlib.sha512((salt + pepper + PASSWORDS[3]).encode()).hexdigest()
        answer = ours.ask(digest=digest, salt=salt, password=PASSWORDS[3])
        expect(f"an unlabelled hash with {pepper} is accepted", accepted(answer))
        expect("another password is refused", refused(ours.ask(digest=digest, salt=salt, password=WRONG)))
    digest = hashlib.sha512((salt + "pepper-5" + PASSWORDS[3]).encode()).hexdigest()
    answer = ours.ask(digest=digest, salt=salt, password=PASSWORDS[3])
    expect("an unlabelled hash with a pepper that is not in the list is refused", refused(answer))
    ok("hashlib: unlabelled hashes verify here, whichever pepper it was")


# ---- made here, recomputed there -------------------------------------------------------------------------------------


def argon2id_with_secret(password, secret, salt, memory, passes, lanes, length):
    """The reference library's function that takes a secret; its Python wrapper has none."""
    buffers = {
        name: ffi.new("uint8_t[]", content)
        for name, content in [("out", length), ("pwd", password), ("salt", salt), ("secret", secret)]
    }
    context = ffi.new(
        "argon2_context *",
        {
            "version": 19,
            "out": buffers["out"],
            "outlen": length,
            "pwd": buffers["pwd"],
            "pwdlen": len(password),
            "salt": buffers["salt"],
            "saltlen": len(salt),
            "secret": buffers["secret"],
            "secretlen": len(secret),
            "ad": ffi.NULL,
            "adlen": 0,
            "t_cost": passes,
            "m_cost": memory,
            "lanes": lanes,
            "threads": lanes,
            "allocate_cbk": ffi.NULL,
            "free_cbk": ffi.NULL,
            "flags": lib.ARGON2_DEFAULT_FLAGS,
        },
    )
    if core(context, Type.ID.value) != lib.ARGON2_OK:
        die("the reference library refuses our parameters")
    return bytes(ffi.buffer(buffers["out"], length))


def our_argon2id_is_recomputed(ours):
    for password in PASSWORDS:
        stored = ours.make("argon2id", password)
        empty, name, version, costs, salt, tag = stored.split("$")
        expect("the form of our Argon2id hash", (empty, name, version) == ("", "argon2id", "v=19"))
        costs = dict(pair.split("=", 1) for pair in costs.split(","))
        expect("the id of the pepper", b64decode(costs.pop("keyid")) == bytes(8))
        costs = [int(costs[name]) for name in "mtp"]
        tag = b64decode(tag)
        arguments = (b64decode(salt), *costs, len(tag))
        expect("our Argon2id", argon2id_with_secret(password.encode(), PEPPER, *arguments) == tag)
        expect("the pepper counts", argon2id_with_secret(password.encode(), b"", *arguments) != tag)
    ok(f"libargon2: our Argon2id with a secret, {len(PASSWORDS)} passwords")


def our_bcrypt_is_recomputed(ours):
    for password in PASSWORDS:
        label, stored = ours.make("bcrypt-hmac-sha256", password).split("$2b$")
        expect("the label of our bcrypt hash", label == "$bcrypt-hmac-sha256$keyid=AAAAAAAAAAA")
        key = base64.b64encode(hmac.digest(PEPPER, password.encode(), "sha256"))
        expect("our bcrypt hash", bcrypt.checkpw(key, b"$2b$" + stored.encode()))
        expect("the pre-hash counts", not bcrypt.checkpw(password.encode()[:72], b"$2b$" + stored.encode()))
    ok(f"bcrypt: ours over HMAC-SHA-256, {len(PASSWORDS)} passwords")


def our_salted_and_peppered_hash_is_recomputed(ours):
    for password in PASSWORDS:
        empty, name, key_id, salt, tag = ours.make("hmac-sha512", password).split("$")
        expect("the form of our hash", (empty, name, key_id) == ("", "hmac-sha512", "keyid=AAAAAAAAAAA"))
        salt = b64decode(salt)
        expect("32 bytes of salt", len(salt) == 32)
        parts = (salt, password.encode())
        message = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
        expect("our hash", hmac.digest(PEPPER, message, "sha512") == b64decode(tag))
    ok(f"hashlib: our salted and peppered hash, {len(PASSWORDS)} passwords")


def refusals(ours):
    for what, stored in [
        ("a 2x hash", "$2x$10$Tm6bPYY423OeBxi7oJ2N6uztRm/i0yU7wy3KMNScXmShTsYHTMbOi"),
        ("a bcrypt hash of cost 31", "$2b$31$Tm6bPYY423OeBxi7oJ2N6uztRm/i0yU7wy3KMNScXmShTsYHTMbOi"),
        ("Django's MD5", hashers.MD5PasswordHasher().encode("p", "saltsaltsalt")),
        ("4 GiB of Argon2", argon2.PasswordHasher(memory_cost=8, parallelism=1).hash("p").replace("m=8", "m=4194304")),
    ]:
        expect(f"{what} is refused", set(ours.ask(verify=stored, password="p")) == {"error"})
    ok("what is unknown or too costly is refused")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("example")
    ours = Ours(parser.parse_args().example)
    foreign_hashes_verify(ours)
    unlabelled_hashes_verify(ours)
    our_argon2id_is_recomputed(ours)
    our_bcrypt_is_recomputed(ours)
    our_salted_and_peppered_hash_is_recomputed(ours)
    refusals(ours)
    ours.close()
    print("passwords: all as it should be")


if __name__ == "__main__":
    main()

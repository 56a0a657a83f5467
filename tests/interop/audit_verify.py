"""Verifies audit records as docs/formats.md describes them, with nothing of ours: Python's hashlib and json, and Ed25519 of
pyca/cryptography.

    audit_verify.py (lines|rows) KEYS FILE...

Prints the first record that does not fit and exits with 1, or how many did and exits with 0.
"""

import base64
import hashlib
import json
import re
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

DIGEST = rb"[A-Za-z0-9_-]{43}"
TAIL = re.compile(
    rb',"chain":\{"id":"(?P<id>[0-9a-f-]{36})","seq":(?P<seq>[1-9][0-9]*),"prev":"(?P<prev>' + DIGEST + rb')"'
    rb'(?:,"row":(?P<row>[1-9][0-9]*),"row_prev":"(?P<row_prev>' + DIGEST + rb')")?'
    rb'(?:,"key":"(?P<key>[0-9a-f]{16})")?,"hash":"(?P<hash>' + DIGEST + rb')"'
    rb'(?:,"signature":"(?P<signature>[A-Za-z0-9_-]{86})")?\}\}$'
)
ZERO = b"A" * 43
COMMANDS = b"61757468-7376-6320-636f-6d6d616e6473"
MAX_UNSIGNED = 10_000


def decode(text):
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


class Bad(Exception):
    pass


def no_duplicates(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Bad("duplicate members")
    return members


def parse(line):
    if len(line) > 65536 or not re.fullmatch(rb"[ -~]*", line):
        raise Bad("not a line of visible ASCII")
    tail = TAIL.search(line)
    if not tail or (tail["key"] is None) != (tail["signature"] is None):
        raise Bad("no chain member in its form")
    members = json.loads(line, object_pairs_hook=no_duplicates)
    if list(members)[-1] != "chain":
        raise Bad("chain is not the last member")
    before = line[: line.rindex(b',"hash":"')]
    digest = hashlib.sha256(b"authsvc audit record v1\n" + before).digest()
    if digest != decode(tail["hash"]):
        raise Bad("altered: the digest does not fit")
    return tail, members, digest


def own(members):
    return members.get("authsvc", {}).get("audit", {})


def verify(thread, keys, lines):
    chains, kept_since, beginnings, gaps, ends, succeeded, named = {}, None, [], {}, [], set(), []
    for place, line in lines:
        try:
            tail, members, digest = parse(line)
            if tail["signature"]:
                if tail["key"] not in keys:
                    raise Bad("signed by an unknown key")
                keys[tail["key"]].verify(decode(tail["signature"]), b"authsvc audit signature v1\n" + digest)
                kept_since = max(kept_since or "", own(members).get("kept_since", "")) or None
                if "commands" in own(members) and thread == "rows":
                    named.append((place, own(members)["commands"]))
            number = int(tail["seq"] if thread == "lines" else tail["row"])
            prev = tail["prev"] if thread == "lines" else tail["row_prev"]
            chain = tail["id"]
            before = own(members).get("continues", {}).get("line" if thread == "lines" else "row")
            if number == 1 and before:
                ends.append((place, before))
                known = chains.get(before["chain"].encode())
                if thread == "lines" and not known:
                    succeeded.add(before["chain"].encode())
                if thread == "lines" and known and (known[0], known[1]) != (before["seq"], before["hash"].encode()):
                    raise Bad("the end of the chain before is not what it was")
            if chain == COMMANDS and not tail["signature"]:
                raise Bad("a command's record without a signature")
            if chain not in chains:
                if chain in succeeded:
                    raise Bad("the chain begins after the one that was begun after it")
                if number == 1 and (prev != ZERO or not tail["signature"]):
                    raise Bad("not a first record")
                if thread == "rows" and number > 1:
                    beginnings.append((place, bool(tail["signature"]), members["@timestamp"]))
                chains[chain] = (number, tail["hash"], 0 if tail["signature"] else 1, {number: tail["hash"]}, number)
                continue
            last, last_hash, unsigned, seen, first = chains[chain]
            if number <= last:
                raise Bad(f"record {number} was repeated or moved")
            if number > last + 1:
                if thread == "rows":
                    raise Bad(f"records from {last + 1} on are missing")
                gaps[(chain, last + 1, number - 1)] = place
            elif prev != last_hash:
                raise Bad("the record before it was exchanged")
            gap = own(members).get("gap")
            if gap and tail["signature"]:
                gaps.pop((chain, gap["first"], gap["last"]), None)
            unsigned = 0 if tail["signature"] else unsigned + 1
            if unsigned > MAX_UNSIGNED:
                raise Bad("too many records without a signature")
            seen[number] = tail["hash"]
            chains[chain] = (number, tail["hash"], unsigned, seen, first)
        except InvalidSignature:
            raise Bad(f"{place}: the signature is forged") from None
        except (Bad, ValueError, KeyError, TypeError) as error:
            # A record that was moved is missed before it is met.
            for missing in gaps.values():
                raise Bad(f"{missing}: records before it are missing") from None
            raise Bad(f"{place}: {error}") from None
    known = chains.get(COMMANDS)
    for place, end in named:
        if known and known[4] <= end["row"] <= known[0] and known[3].get(end["row"]) != end["hash"].encode():
            raise Bad(f"{place}: the chain of commands is not what it was")
    for (_, first, last), place in gaps.items():
        raise Bad(f"{place}: records {first} to {last} are missing, and nothing says why")
    for place, signed, time in beginnings:
        if not signed or kept_since is None or time > kept_since:
            raise Bad(f"{place}: nothing signed says that what came before may be gone")
    for place, before in ends if thread == "rows" else []:
        chain = chains.get(before["chain"].encode())
        if chain is None:
            if kept_since is None or before["time"] > kept_since:
                raise Bad(f"{place}: the chain before is gone")
        elif before["row"] >= chain[4] and chain[3].get(before["row"]) != before["hash"].encode():
            raise Bad(f"{place}: the end of the chain before is not what it was")
    return len(chains)


def main():
    thread, key_file, *files = sys.argv[1:]
    keys = {}
    with open(key_file, "rb") as lines:
        for line in lines.read().splitlines():
            label, key_id, key = line.split(b":")
            assert label == b"authsvc-audit-key-1"
            keys[key_id] = Ed25519PublicKey.from_public_bytes(decode(key))
    records = []
    for name in files:
        with open(name, "rb") as content:
            records += [(f"{name}:{at + 1}", line) for at, line in enumerate(content.read().splitlines())]
    try:
        chains = verify(thread, keys, records)
    except Bad as bad:
        sys.exit(f"BAD  {bad}")
    print(f"good {len(records)} records in {chains} chains")


if __name__ == "__main__":
    main()

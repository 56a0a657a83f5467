#!/usr/bin/env python3
"""pyca/cryptography's part of streams.sh.

    streams.py key KEY_FILE                  makes a key
    streams.py encrypt|decrypt KEY_FILE      standard input to standard output, Cobblestone-256 with an empty context
"""

import sys
from pathlib import Path

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor

STEP = 100_000


def main() -> None:
    command, key_file = sys.argv[1:]
    if command == "key":
        Path(key_file).write_bytes(Cobblestone256Encryptor.generate_key())
        return
    cipher = {"encrypt": Cobblestone256Encryptor, "decrypt": Cobblestone256Decryptor}[command]
    stream = cipher(Path(key_file).read_bytes(), b"")
    while data := sys.stdin.buffer.read(STEP):
        sys.stdout.buffer.write(stream.update(data))
    sys.stdout.buffer.write(stream.finalize())


main()

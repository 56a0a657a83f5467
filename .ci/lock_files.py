#!/usr/bin/env python3
"""Fails when fuzz/Cargo.lock has a crate of Cargo.lock in another version: what is fuzzed is what is built."""

import pathlib
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent


def versions(lock_file):
    """name -> versions, for the crates that come from a registry."""
    found = {}
    for package in tomllib.loads((ROOT / lock_file).read_text())["package"]:
        if "source" in package:
            found.setdefault(package["name"], set()).add(package["version"])
    return found


main, fuzz = versions("Cargo.lock"), versions("fuzz/Cargo.lock")
differing = sorted(name for name in fuzz if name in main and not fuzz[name] <= main[name])
for name in differing:
    print(f"{name}: {sorted(fuzz[name])} in fuzz/Cargo.lock, {sorted(main[name])} in Cargo.lock", file=sys.stderr)
if differing:
    sys.exit("fuzz/README.md says how to bring the lock files in line")

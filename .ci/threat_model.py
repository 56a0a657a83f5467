#!/usr/bin/env python3
"""Holds docs/threat-model.md to the tree.

Every attack of the checklist has a row; every row names what would fail if its control were gone; and what it names is
there: `name` is a test or a fuzz target of that name, `path/file` a file. A row may instead say "cannot apply:" and why, or
"open:" and what is missing.

  threat_model.py              checks the page
  threat_model.py self-test    checks that this check can fail
"""

import pathlib
import re
import subprocess
import sys

ROWS = {"T": 20, "L": 14, "R": 10, "M": 10, "A": 13}
PAGE = pathlib.Path("docs/threat-model.md")


def tree():
    """The names of tests and of files that git knows or would know."""
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], check=True, capture_output=True, text=True
    ).stdout.split("\n")
    names = set()
    for file in files:
        path = pathlib.Path(file)
        if path.suffix == ".rs" and path.is_file():
            names.update(re.findall(r"\bfn (\w+)", path.read_text()))
            if path.parts[:2] == ("fuzz", "fuzz_targets"):
                names.add(path.stem)
    return names, set(files)


def faults(page, names, files):
    rows = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if re.fullmatch(r"[TLRMA]?\d+", cells[0]) and len(cells) == 4:
            if cells[0] in rows:
                yield f"{cells[0]}: two rows"
            rows[cells[0]] = cells[3]
    for letter, count in ROWS.items():
        for number in range(1, count + 1):
            if f"{letter}{number}" not in rows:
                yield f"{letter}{number}: no row"
    for row, proof in rows.items():
        if proof.startswith(("cannot apply: ", "open: ")):
            continue
        named = re.findall(r"`([^`]+)`", proof)
        if not named:
            yield f"{row}: names no test"
        for name in named:
            if "/" in name or "." in name:
                if name not in files:
                    yield f"{row}: no file {name}"
            elif name not in names and name not in files:
                yield f"{row}: no test {name}"


def self_test():
    rows = [f"| {letter}{n} | a | c | `there` |" for letter, count in ROWS.items() for n in range(1, count + 1)]
    names, files = {"there"}, {"tests/there.sh"}
    assert not list(faults("\n".join(rows), names, files))
    planted = [
        (rows[1:], "T1: no row"),
        (rows + [rows[0]], "T1: two rows"),
        (["| T1 | a | c | `gone` |"] + rows[1:], "T1: no test gone"),
        (["| T1 | a | c | `tests/gone.sh` |"] + rows[1:], "T1: no file tests/gone.sh"),
        (["| T1 | a | c | nothing |"] + rows[1:], "T1: names no test"),
    ]
    for page, fault in planted:
        assert list(faults("\n".join(page), names, files)) == [fault], fault
    assert not list(faults("\n".join(["| T1 | a | c | cannot apply: no such thing |"] + rows[1:]), names, files))


if sys.argv[1:] == ["self-test"]:
    self_test()
else:
    found = list(faults(PAGE.read_text(), *tree()))
    for fault in found:
        print(f"{PAGE}: {fault}", file=sys.stderr)
    sys.exit(1 if found else 0)

#!/usr/bin/env python3
"""Executes the commands of a Markdown page as printed, in a copy of the checkout that holds no build and no keys.

    readme.py [PAGE]      PAGE defaults to README.md

Every ```sh fence of the page has an HTML comment on the line before it (blank lines may stand between), invisible to
readers, that says what happens to the block:

    <!-- ci:run -->                 paste it; every command must succeed
    <!-- ci:run status=1 -->        paste it; its last command must exit with this status
    <!-- ci:background until="listening" -->
                                    start it in a second terminal and go on once it has printed this text
    <!-- ci:background until="listening" paste="curl,TOKEN=" -->
                                    and paste what it printed: the lines that start with one of these words, with their
                                    continuations after a backslash
    <!-- ci:stage test -->          stage `test` of .ci/run has these very lines, so they are not run again here
    <!-- ci:skip REASON -->         not executed, and why

`run` and `background` also take contains="TEXT", as often as needed: the output of the block, or of the pasted
commands, must have it. Where a background block stops is marked with <!-- ci:stop -->; it is sent what Ctrl-C sends,
must then exit with 0, and what still runs at the end of the page is stopped the same way. A block marked `background`
with the word `twice` is started, pasted from and stopped once before it is started for good: the second run must work
as well as the first.

A fence without a marker, and a marker without a fence, are errors: no printed command goes unchecked by accident.
Blocks run with `bash -euo pipefail` in one shell, as if pasted one after the other into one terminal.
"""

import os
import pathlib
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
# The first command may have to build everything.
READY_SECONDS = 1500
STOP_SECONDS = 60

MARKER = re.compile(r"^\s*<!--\s*ci:(\w+)\s*(.*?)\s*-->\s*$")
FENCE = re.compile(r"^\s*(`{3,})\s*(\w*)")


class Failed(Exception):
    """A command of the page did not do what the page says."""


def blocks(page):
    """Yields (line number, kind, argument text, commands) in the order of the page."""
    pending, lines = None, page.splitlines()
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if marker := MARKER.match(line):
            if pending:
                raise Failed(f"line {pending[0]}: the marker has no ```sh fence")
            if marker[1] == "stop":
                yield number, "stop", "", ""
            else:
                pending = (number, marker[1], marker[2])
        elif fence := FENCE.match(line):
            start, body = number, []
            while number < len(lines) and lines[number].strip() != fence[1]:
                body.append(lines[number])
                number += 1
            number += 1
            if fence[2] == "sh":
                if not pending:
                    raise Failed(f"line {start}: the ```sh fence has no ci: marker before it")
                yield *pending, "\n".join(body)
                pending = None
            elif pending:
                raise Failed(f"line {pending[0]}: the marker stands before a fence that is not ```sh")
        elif pending and line.strip():
            raise Failed(f"line {pending[0]}: the marker has no ```sh fence")
    if pending:
        raise Failed(f"line {pending[0]}: the marker has no ```sh fence")


def options(text):
    """`a=1 b twice` -> {"a": ["1"], "b": [""], "twice": [""]}"""
    parsed = {}
    for word in shlex.split(text):
        name, _, value = word.partition("=")
        parsed.setdefault(name, []).append(value)
    return parsed


def show(text):
    for line in text.splitlines():
        print(f"  | {line}", flush=True)


def require(wanted, output):
    for text in wanted:
        if text not in output:
            raise Failed(f"the output lacks {text!r}")


class Terminal:
    """One shell that keeps its variables and folder from block to block."""

    def __init__(self, folder):
        self.scratch = tempfile.mkdtemp()
        self.shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"], cwd=folder, text=True, bufsize=1, errors="replace",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        self.shell.stdin.write("set -euo pipefail\n")

    def paste(self, commands, status=0):
        """Runs the commands, returns what they printed; fails unless they end with `status`."""
        script = pathlib.Path(self.scratch, "block")
        script.write_text(commands + "\n")
        end = f"end-{secrets.token_hex(8)}"
        # From a file, so that a command reading standard input cannot swallow the next ones.
        source = f"source {shlex.quote(str(script))} </dev/null"
        run = source if status == 0 else f"set +e; {source}; ended=$?; set -e; [ $ended -eq {status} ]"
        self.shell.stdin.write(f"{run}\nprintf '\\n%s\\n' {end}\n")
        printed = []
        for line in self.shell.stdout:
            if line.rstrip("\n") == end:
                return "".join(printed)
            printed.append(line)
            if line.strip():
                show(line)
        raise Failed(f"a command failed, status {self.shell.wait()} (expected {status})")

    def close(self):
        self.shell.kill()
        self.shell.wait()
        shutil.rmtree(self.scratch)


class Background:
    """A block that runs in a terminal of its own until it is stopped."""

    def __init__(self, commands, folder, until):
        self.printed, self.changed, self.open = [], threading.Condition(), True
        self.process = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-euo", "pipefail", "-c", commands], cwd=folder, text=True,
            errors="replace", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True)
        threading.Thread(target=self._read, daemon=True).start()
        deadline = time.monotonic() + READY_SECONDS
        with self.changed:
            while until not in "".join(self.printed):
                left = deadline - time.monotonic()
                if not self.open or left <= 0:
                    why = "ended" if not self.open else f"ran for {READY_SECONDS} s"
                    raise Failed(f"it {why} without printing {until!r}")
                self.changed.wait(left)

    def _read(self):
        for line in self.process.stdout:
            show(line)
            with self.changed:
                self.printed.append(line)
                self.changed.notify()
        with self.changed:
            self.open = False
            self.changed.notify()

    def commands(self, words):
        """The printed commands that start with one of the words."""
        with self.changed:
            lines = "".join(self.printed).splitlines()
        found, joined = [], None
        for line in lines:
            text = line.strip() if joined is None else line.rstrip()
            if joined is None and not text.startswith(words):
                continue
            joined = text if joined is None else f"{joined}\n{text}"
            if not text.endswith("\\"):
                found.append(joined)
                joined = None
        return found

    def stop(self):
        if self.process.poll() is not None:
            raise Failed(f"it ended by itself, status {self.process.returncode}")
        os.killpg(self.process.pid, signal.SIGINT)
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise Failed(f"it still runs {STOP_SECONDS} s after Ctrl-C") from None
        if status != 0:
            raise Failed(f"it ended with status {status} after Ctrl-C")

    def kill(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


def start(commands, folder, chosen, terminal, running):
    """Starts a background block, and pastes what it printed."""
    background = Background(commands, folder, chosen["until"][0])
    running.append(background)
    if "paste" in chosen:
        words = tuple(chosen["paste"][0].split(","))
        printed = background.commands(words)
        if not printed:
            raise Failed(f"it printed no command that starts with {' or '.join(words)}")
        output = ""
        for command in printed:
            print(f"  $ {command}", flush=True)
            output += terminal.paste(command)
        require(chosen.get("contains", []), output)


def copy_of_checkout(folder):
    """The checkout as a clone would have it; builds are shared through a link."""
    subprocess.run(["bash", ROOT / ".ci" / "copy-checkout.sh", folder], check=True)
    (ROOT / "target").mkdir(exist_ok=True)
    (folder / "target").symlink_to(ROOT / "target")


def execute(page, folder):
    """Goes through the page; returns how many blocks were executed."""
    terminal, running, executed = Terminal(folder), [], 0
    stages = (ROOT / ".ci" / "run").read_text()
    try:
        for number, kind, text, commands in blocks(page):
            try:
                chosen = {} if kind in ("skip", "stage", "stop") else options(text)
                if kind != "stop":
                    print(f"line {number}: {kind} {text}", flush=True)
                if kind == "run":
                    show(commands)
                    output = terminal.paste(commands, int(chosen.get("status", ["0"])[0]))
                    require(chosen.get("contains", []), output)
                    executed += 1
                elif kind == "background":
                    if not chosen.get("until", [""])[0]:
                        raise Failed('the marker lacks until="TEXT"')
                    show(commands)
                    if "twice" in chosen:
                        start(commands, folder, chosen, terminal, running)
                        running.pop().stop()
                    start(commands, folder, chosen, terminal, running)
                    executed += 1
                elif kind == "stage":
                    absent = [line for line in commands.splitlines() if line.strip() and line.strip() not in stages]
                    if f"stage_{text}()" not in stages or absent:
                        raise Failed(f"stage {text!r} of .ci/run does not run {absent}")
                elif kind == "skip":
                    if not text:
                        raise Failed("the marker gives no reason")
                elif kind == "stop":
                    while running:
                        running.pop().stop()
                else:
                    raise Failed(f"unknown marker ci:{kind}")
            except Failed as failure:
                raise Failed(f"line {number}: {failure}") from None
        while running:
            running.pop().stop()
    finally:
        for background in running:
            background.kill()
        terminal.close()
    return executed


def main(arguments):
    page = ROOT / (arguments[0] if arguments else "README.md")
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch, "checkout")
        folder.mkdir()
        copy_of_checkout(folder)
        try:
            executed = execute(page.read_text(), folder)
        except Failed as failure:
            sys.exit(f"{page.name}: {failure}")
    if not executed:
        sys.exit(f"{page.name}: no block is marked ci:run or ci:background")
    print(f"{page.name}: {executed} blocks executed")


main(sys.argv[1:])

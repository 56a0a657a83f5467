"""Draws a QR code as a picture that zbarimg reads, eight pixels a module.

    qr_to_pgm.py svg < FILE.svg > FILE.pgm
    qr_to_pgm.py run COMMAND... > FILE.pgm    what COMMAND draws on a terminal
"""

import os
import pty
import re
import sys

SCALE = 8


def modules_of_svg(svg):
    size = int(re.search(r'viewBox="0 0 (\d+) \1"', svg).group(1))
    dark = {(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", svg)}
    return [[(x, y) in dark for x in range(size)] for y in range(size)]


def modules_of_terminal(command):
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(command[0], command)
    output = bytearray()
    try:
        while data := os.read(terminal, 65536):
            output.extend(data)
    except OSError:
        pass  # Linux's way to say that the other end is closed.
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0:
        sys.exit("the command failed")
    rows = []
    for line in output.decode().splitlines():
        # Black on white, whatever the terminal's own colours are.
        if found := re.fullmatch(r"\x1b\[38;5;16;48;5;231m([ ▀▄█]*)\x1b\[0m", line):
            rows.append([half in "▀█" for half in found.group(1)])
            rows.append([half in "▄█" for half in found.group(1)])
    return rows


def main():
    if sys.argv[1] == "svg":
        modules = modules_of_svg(sys.stdin.read())
    else:
        modules = modules_of_terminal(sys.argv[2:])
    width, height = len(modules[0]) * SCALE, len(modules) * SCALE
    out = sys.stdout.buffer
    out.write(b"P5 %d %d 255\n" % (width, height))
    for row in modules:
        line = b"".join((b"\x00" if dark else b"\xff") * SCALE for dark in row)
        out.write(line * SCALE)


main()

#!/usr/bin/env python3
"""Run a command on a terminal of its own.

    in_pty.py [--size ROWSxCOLUMNS] [--raw FILE] [--interrupt-after TEXT] [--screen [--strict]] COMMAND...

Its output goes to FILE as it came. With --screen, what the terminal shows at the end is printed (only the few escapes that wf uses
are understood; any other is an error, with --strict a line that is too long too), otherwise the output without carriage returns. With --interrupt-after, Ctrl-C is typed as soon
as TEXT has appeared. Returns what the command returned, 128 + N for signal N; 99 after a minute.
"""
import argparse
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time


def draw(data, rows, columns, strict):
    """The screen after data; the cursor must never leave the screen upwards. Strictly, no line may be longer than the screen is wide."""
    lines, y, x = [""], 0, 0
    text = data.decode("utf-8")
    i = 0
    while i < len(text):
        m = re.compile(r"\033\[(\??[0-9;]*)([A-Za-z])").match(text, i)
        if m:
            arg, op = m.group(1), m.group(2)
            if op == "A":
                if int(arg or 1) > min(y, rows - 1):
                    raise SystemExit("in_pty: the cursor leaves the screen: up %s from line %d of %d" % (arg, y, rows))
                y -= int(arg or 1)
            elif op == "K":
                lines[y] = lines[y][:x]
            elif op == "J":
                lines[y] = lines[y][:x]
                del lines[y + 1:]
            elif op not in "mhl":
                raise SystemExit("in_pty: unknown escape %r" % m.group(0))
            i = m.end()
            continue
        c = text[i]
        i += 1
        if c == "\r":
            x = 0
        elif c == "\n":
            y += 1
            if y == len(lines):
                lines.append("")
        elif c == "\033":
            raise SystemExit("in_pty: unknown escape at %r" % text[i - 1:i + 8])
        else:
            if x == columns:
                if strict:
                    raise SystemExit("in_pty: past the right edge: %r" % lines[y])
                x, y = 0, y + 1
                if y == len(lines):
                    lines.append("")
            lines[y] = lines[y][:x].ljust(x) + c + lines[y][x + 1:]
            x += 1
    return "\n".join(line.rstrip() for line in lines)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--size", default="24x80")
    p.add_argument("--raw")
    p.add_argument("--interrupt-after")
    p.add_argument("--screen", action="store_true")
    p.add_argument("--strict", action="store_true")
    p.add_argument("command", nargs=argparse.REMAINDER)
    a = p.parse_args()
    rows, columns = (int(n) for n in a.size.split("x"))
    pid, fd = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.execvp(a.command[0], a.command)
    data, typed, end = b"", False, time.monotonic() + 60
    while True:
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
            sys.exit(99)
        if not select.select([fd], [], [], 1)[0]:
            continue
        try:
            piece = os.read(fd, 65536)
        except OSError:
            break
        if not piece:
            break
        data += piece
        if a.interrupt_after and not typed and a.interrupt_after.encode() in data:
            os.write(fd, b"\x03")
            typed = True
    _, status = os.waitpid(pid, 0)
    if a.raw:
        with open(a.raw, "wb") as f:
            f.write(data)
    print(draw(data, rows, columns, a.strict) if a.screen else data.decode("utf-8").replace("\r", ""), end="")
    sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))


main()

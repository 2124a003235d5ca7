"""Ctrl-C in psql at a terminal: the prompt comes back, and the statement is gone, with what it had on disk.

cancel.py SPILL_DIRECTORY: where the server that PGHOST and PGPORT name spills to. Prints how long each took.
"""

import os
import pathlib
import pty
import select
import subprocess
import sys
import time

DEADLINE = 20.0
PROMPT = "ready> "
SPILL = pathlib.Path(sys.argv[1])

# What is interrupted, and when: the statement runs, and has got so far.
CASES = [
    ("cross join", "select max(a.close + b.close + c.close) from eod a, eod b, eod c;", lambda: True),
    ("spilling sort", "select a.symbol, b.close from eod a, eod b order by b.close, a.close, a.date;", lambda: spilled() > 0),
    ("live quotes", "select symbol, bid from live.quotes where symbol = 'SPY';", lambda: True),
]


def spilled():
    return sum(file.stat().st_size for file in SPILL.rglob("*") if file.is_file())


def ask(sql):
    return subprocess.run(["psql", "-XAtqc", sql], check=True, capture_output=True, text=True).stdout.strip()


def within(what, condition):
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"not in time: {what}")
        time.sleep(0.01)


class Terminal:
    """psql at a terminal of its own."""

    def __init__(self):
        pid, self.file = pty.fork()
        if pid == 0:
            os.execvp("psql", ["psql", "-X", "-v", f"PROMPT1={PROMPT}", "-v", "PROMPT2=", "-P", "pager=off"])
        self.shown = ""
        self.wait(PROMPT)

    def type(self, keys):
        os.write(self.file, keys.encode())

    def wait(self, text):
        """Waits until the text is shown; says what was shown up to its end."""
        deadline = time.monotonic() + DEADLINE
        while text not in self.shown:
            if not select.select([self.file], [], [], max(0, deadline - time.monotonic()))[0]:
                sys.exit(f"psql does not show {text!r} but {self.shown[-400:]!r}")
            self.shown += os.read(self.file, 65536).decode(errors="replace")
        before, _, self.shown = self.shown.partition(text)
        return before


def running(sql):
    text = sql.rstrip(";").replace("'", "''")
    return ask(f"select count(*) from system.queries where sql = '{text}' or sql = '{text};'") != "0"


def main():
    terminal = Terminal()
    for name, sql, far_enough in CASES:
        terminal.type(sql + "\n")
        terminal.wait(sql[-12:])
        within(f"the {name} runs", lambda: running(sql) and far_enough())
        began = time.monotonic()
        terminal.type("\x03")
        said = terminal.wait(PROMPT)
        prompt = time.monotonic() - began
        within(f"the {name} is gone", lambda: not running(sql))
        gone = time.monotonic() - began
        within(f"what the {name} spilled is gone", lambda: spilled() == 0)
        if "canceling statement due to user request" not in said:
            sys.exit(f"{name}: psql says {said[-400:]!r}")
        print(f"{name}: prompt after {1000 * prompt:.1f} ms, not listed after {1000 * gone:.0f} ms (as another psql sees it)")
    if ask("select 1") != "1":
        sys.exit("the server does not answer any more")


main()

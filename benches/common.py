"""What the benchmarks share: bars to import, a running `tt`, medians, the report.

Needs the Python packages psycopg[binary] and, for run.py, duckdb and pytz.
"""

import datetime
import json
import math
import os
import pathlib
import platform
import random
import re
import statistics
import subprocess
import time
import urllib.request

import psycopg

SESSIONS = 1747


def metastock(folder, rows):
    """Daily bars of as many symbols as give `rows`, one MetaStock text file a symbol, seeded."""
    random.seed(1)
    day, days = datetime.date(2019, 12, 2), []
    while len(days) < SESSIONS:
        if day.weekday() < 5:
            days.append(day.strftime("%Y%m%d"))
        day += datetime.timedelta(1)
    walks = []
    for _ in range(32):
        price, walk = 1.0, []
        for _ in days:
            close = price * math.exp(random.gauss(0, 0.015))
            walk.append((price, max(price, close) * 1.004, min(price, close) * 0.996, close, random.randint(10**4, 10**7)))
            price = close
        walks.append(walk)
    symbols = max(1, rows // SESSIONS)
    for number in range(symbols):
        symbol = "Q" + "".join(chr(65 + number // 26**place % 26) for place in (3, 2, 1, 0))
        base = 10 + number * 7919 % 990
        lines = [
            f"{symbol},D,{date},000000,{base * o:.2f},{base * h:.2f},{base * l:.2f},{base * c:.2f},{v},0\n"
            for date, (o, h, l, c, v) in zip(days, walks[number % len(walks)])
        ]
        (folder / f"{symbol}.txt").write_text("".join(lines))
    return symbols


class Server:
    """A running `tt`, ready; stopped on exit."""

    def __init__(self, tt, *arguments, environment=None):
        self.began = time.perf_counter()
        free = ["--pg", "127.0.0.1:0", "--flight", "127.0.0.1:0", "--http", "127.0.0.1:0"]
        self.process = subprocess.Popen(
            [tt, *arguments, *free], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env={**os.environ, **(environment or {})},
        )
        line = self.process.stdout.readline()
        self.ready = time.perf_counter() - self.began
        found = re.match(r"ready pg=127\.0\.0\.1:(\d+) flight=(\S+) http=127\.0\.0\.1:(\d+)", line)
        if not found:
            raise SystemExit(f"tt did not become ready: {line!r}")
        self.pg, self.flight, self.http = int(found[1]), found[2], int(found[3])

    def connect(self):
        return psycopg.connect(host="127.0.0.1", port=self.pg, user="tt", dbname="tt", autocommit=True)

    def metric(self, name):
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.http}/metrics").read().decode()
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.M))

    def memory(self):
        """Resident bytes."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


def median(action, runs, warm=2):
    for _ in range(warm):
        action()
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def report(out, about, figures):
    """Prints a table; `out` is a folder for summary.md and raw.json, or None."""
    text = "\n".join(f"| {name} | {value:,.2f} |" for name, value in figures.items())
    text = f"| what | figure |\n|---|---|\n{text}\n"
    print(text)
    if out:
        folder = pathlib.Path(out)
        folder.mkdir(parents=True, exist_ok=True)
        head = f"{os.cpu_count()} cores, {platform.machine()}; {about}.\n\n"
        (folder / "summary.md").write_text(head + text)
        (folder / "raw.json").write_text(json.dumps(figures, indent=1) + "\n")

#!/usr/bin/env python3
"""Measures the delay of the live feed from the sending of a trade to its row in a client's hands, and a flood.

    python3 benches/feed.py --tt PATH_TO_TT [--seconds 60] [--out benches/runs/NAME]

A venue of the bench's own (feed_venue.py) sends trades over loopback with the moment of their sending in each; a client
reads them from live.time_and_sales over the Postgres wire. With --seconds the venue sends 200,000 a second for so long
while every one is kept, and the figures are what was taken in, what was lost, and memory at the begin and the end.

Needs the Python package psycopg[binary]. Prints a table; --out also writes it as summary.md and the raw figures as raw.json.
The sender, the server and the client share the machine: the figures are those of all three. A moment is that of the
sending; how late the sender was by its own clock, because the server took no more or the machine had no time, is told too.
"""

import argparse
import json
import pathlib
import tempfile
import threading
import time

from common import Server, report
from feed_venue import Venue

MIB = 1 << 20


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tt", required=True, help="the binary to measure")
    parser.add_argument("--symbols", type=int, default=200, help="symbols that are followed")
    parser.add_argument("--rate", type=int, default=20_000, help="trades a second while the delay is measured")
    parser.add_argument("--measured", type=float, default=10, help="seconds for which it is")
    parser.add_argument("--flood", type=int, default=200_000, help="trades a second of the flood")
    parser.add_argument("--seconds", type=float, default=0, help="how long the flood lasts; 0 for none")
    parser.add_argument("--out", help="folder for summary.md and raw.json")
    options = parser.parse_args()
    figures = {}
    for history in (False, True):
        with running(options, history) as (venue, server):
            delays(options, venue, server, history, figures)
    if options.seconds:
        with running(options, True) as (venue, server):
            flood(options, venue, server, figures)
    about = f"{options.rate:,} trades a second for {options.measured:g} s, {options.flood:,} for {options.seconds:g} s; loopback"
    report(options.out, about, figures)


class running:
    """A server that follows the symbols at a venue of its own; both stopped on exit."""

    def __init__(self, options, history):
        self.options, self.history = options, history

    def __enter__(self):
        self.scratch = tempfile.TemporaryDirectory()
        folder = pathlib.Path(self.scratch.name)
        symbols = [f"S{number:04}" for number in range(self.options.symbols)]
        self.venue = Venue()
        config = folder / "tt.toml"
        config.write_text(
            "[collect]\nlists = []\nlive_lists = []\noption_underlyings = []\n"
            f"symbols = {json.dumps(symbols)}\nhistory = {json.dumps(self.history)}\n"
            "[source.tastytrade]\nclient_secret = \"bench\"\nrefresh_token = \"bench\"\n"
            f"base_url = \"http://127.0.0.1:{self.venue.port}\"\nrequests_per_second = 0\nattempts = 1\n"
        )
        self.server = Server(self.options.tt, "serve", "--config", config, "--data", folder / "lake")
        until("its subscriptions", lambda: self.venue.subscribed.value >= self.options.symbols)
        return self.venue, self.server

    def __exit__(self, *_):
        self.venue.__exit__()
        self.server.__exit__()
        self.scratch.cleanup()


def until(what, condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"still waiting for {what} after {seconds} s")
        time.sleep(0.05)


def stand_still(look, seconds=120):
    """Waits until what is looked at is the same for a second."""
    deadline, known = time.monotonic() + seconds, None
    while known != (known := look()) and time.monotonic() < deadline:
        time.sleep(1)


def delays(options, venue, server, history, figures):
    """Rows of one client, each with the time since its moment was written at the venue."""
    taken, missed, ended = [], 0, False
    # What comes before counts not: connections warm up, and so does the allocator.
    warm, last = time.time() + 2, time.time() + 2 + options.measured
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        threading.Timer(1, venue.send, [options.rate]).start()
        statement = "SELECT CAST(extract(epoch FROM event_at) * 1000000 AS bigint), missed FROM live.time_and_sales"
        for sent, lost in cursor.stream(statement):
            now = time.time_ns() // 1000
            if now > last * 1_000_000:
                break
            if now >= warm * 1_000_000:
                taken.append(now - sent)
                missed += lost
        connection.close()
    venue.send(0)
    taken.sort()
    name = f"history {'on' if history else 'off'}"
    part = lambda percent: taken[min(len(taken) - 1, len(taken) * percent // 100)] / 1000
    figures[f"{name}: from send to a client's hands, p50, ms"] = part(50)
    figures[f"{name}: from send to a client's hands, p99, ms"] = part(99)
    figures[f"{name}: the longest, ms"] = taken[-1] / 1000
    figures[f"{name}: rows taken, per second"] = len(taken) / options.measured
    figures[f"{name}: rows that the client missed"] = missed
    figures[f"{name}: the sender was late by at most, ms"] = 1000 * venue.late.value


def flood(options, venue, server, figures):
    """As many as can be sent, all kept."""
    count = lambda: server.metric("tt_feed_events_total")
    figures["flood: memory at the begin, MiB"] = server.memory() / MIB
    began, before, sent, most = time.perf_counter(), count(), venue.sent.value, 0
    venue.send(options.flood)
    while time.perf_counter() - began < options.seconds:
        time.sleep(min(0.5, options.seconds))
        most = max(most, server.memory())
    took = time.perf_counter() - began
    offered = venue.sent.value - sent
    figures["flood: sent, per second"] = offered / took
    figures["flood: taken in, per second"] = (count() - before) / took
    venue.send(0)
    figures["flood: memory at the end, MiB"] = server.memory() / MIB
    figures["flood: the most memory meanwhile, MiB"] = most / MIB
    figures["flood: the sender was late by at most, ms"] = 1000 * venue.late.value
    stand_still(lambda: [count(), server.metric("tt_history_events_total"), server.metric("tt_history_missed_total")])
    figures["flood: lost before the history"] = server.metric("tt_history_missed_total")
    with server.connect() as connection:
        kept = connection.execute("SELECT count(*) FROM time_and_sales_history").fetchone()[0]
    figures["flood: sent and not in the history"] = venue.sent.value - sent - kept
    time.sleep(5)
    figures["flood: memory 5 s after, MiB"] = server.memory() / MIB


if __name__ == "__main__":
    main()

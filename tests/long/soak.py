"""Hours of mixed clients, faults of the venue, refreshes, imports and upkeep, beside one server with 1 GB.

    soak.py --tt TT --scratch FOLDER --logs FOLDER [--minutes N] [--seed N] [--untimed]

Every ten seconds it notes memory, threads, descriptors and files, and how long a lookup and an aggregate took (`probe`).
At the end it compares the last third with the parts before, and asks whether anything was lost: histories hold what a
follower saw, second by second, and as many events as the spools took; imports hold every bar; sums are consistent.
With --untimed latencies are told and not judged: for a machine that does other things meanwhile.

Prints a line of figures for each third and one for all; the samples are `samples.tsv` among the logs.
"""

import argparse
import os
import random
import re
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, fields
from pathlib import Path

import psycopg

import bars
import crowd
from server import Server, arguments, run
from venue import Venue
from volume import scratch_folder
from witness import await_loaded

SETTINGS = """
[collect]
history_flush = "5s"

[limits]
memory = "1GB"
query_memory = "600MB"

[dataset.market_data]
ttl = "10s"
jitter = "0s"

[dataset.market_metrics]
ttl = "15s"
jitter = "0s"

[dataset.dividends]
ttl = "40s"
jitter = "0s"

[dataset.earnings]
ttl = "1m"
jitter = "0s"

[dataset.symbols]
ttl = "2m"
jitter = "0s"
"""
SAMPLE_SECONDS = 10
# The whole program stays within 100 MB more than its limit.
MEMORY_MAX = 1_100_000_000
# Quotes per second: what a follower in Python keeps up with beside everything else.
RATE = 400
IMPORT_SYMBOLS, IMPORT_DAYS = 10, 250
SYMBOL_SETS = 20
# What an upkeep says when another process has committed meanwhile.
CONFLICT = "another writer"


@dataclass
class Sample:
    """What was noted at one moment; latencies in milliseconds, of the ten seconds before."""

    seconds: float
    memory: int
    threads: int
    descriptors: int
    files: int
    versions: int
    point_p50: float
    point_p99: float
    aggregate_p50: float
    aggregate_p99: float


def percentile(values: list[float], share: float) -> float:
    """The value that a share of the values does not exceed; 0 where there is none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


class Soak:
    """One server and everybody around it."""

    def __init__(self, chosen: argparse.Namespace, scratch: Path) -> None:
        self.tt, self.logs, self.scratch, self.seed = chosen.tt, chosen.logs, scratch, chosen.seed
        self.seconds, self.untimed = chosen.minutes * 60, chosen.untimed
        self.data, self.settings = scratch / "tt", scratch / "soak.toml"
        self.settings.write_text(SETTINGS)
        self.venue = Venue(self.tt, scratch, self.logs / "venue.log", RATE, self.seed)
        self.server = Server(
            self.tt, "serve", "--config", self.settings, "--data", self.data, log=self.logs / "server.log",
            environment=self.venue.environment(),
        ).ready()
        self.probes = self.logs / "probes.txt"
        self.probe: subprocess.Popen | None = None
        self.crowd = crowd.Crowd(self.server, self.seed)
        self.follower = crowd.Follower()
        self.samples: list[Sample] = []
        self.latencies: dict[str, list[tuple[float, float]]] = {"point": [], "aggregate": []}
        self.read_to = 0
        self.imported: dict[str, bars.Bars] = {}
        self.compared = 0

    def work(self) -> None:
        """Sends everybody, samples until the time is over, and calls them back."""
        misbehave = threading.Thread(target=self.venue.misbehave, args=(max(20.0, min(120.0, self.seconds / 10)),), daemon=True)
        command = [sys.executable, str(Path(__file__).with_name("probe.py")), str(self.server.port), str(self.probes)]
        self.probe = subprocess.Popen(command, stderr=(self.logs / "probe.err").open("wb"))
        every = max(8.0, min(60.0, self.seconds / 40))
        clients = [
            (crowd.simple, 1.5), (crowd.prepared, 1.5), (crowd.transaction, 4), (crowd.copy, 3), (crowd.sort, 6),
            (crowd.cancel, 4), (crowd.vanish, 3), (crowd.refresh, 5), (crowd.flight, 3), (self.follow, 0.2),
            (self.bring, every), (self.upkeep, 2 * every),
        ]
        for act, pause in clients:
            self.crowd.send(act, pause)
        misbehave.start()
        began = time.monotonic()
        while time.monotonic() < began + self.seconds:
            time.sleep(SAMPLE_SECONDS)
            if not self.server.lives():
                self.crowd.fault("server", f"it has ended: {self.server.last_words()}")
                break
            if self.probe.poll() is not None:
                self.crowd.fault("probe", (self.logs / "probe.err").read_text()[-300:])
                break
            self.sample(time.monotonic() - began)
        self.venue.over.set()
        self.crowd.end()
        misbehave.join(60)
        self.probe.kill()
        self.probe.wait()

    def follow(self, around: crowd.Crowd, chance: random.Random) -> None:
        """The one follower, again and again."""
        self.follower.follow(around, chance)

    def bring(self, around: crowd.Crowd, chance: random.Random) -> None:
        """An import of new symbols, or of others that were there before; the same bars change nothing."""
        turn = chance.randrange(SYMBOL_SETS)
        prefix, folder = f"K{turn:02}", self.scratch / f"bars-{turn:02}"
        brought = bars.write(folder, prefix, IMPORT_SYMBOLS, IMPORT_DAYS, self.seed * 1000 + turn)
        said = run(self.tt, "import", "metastock", folder, "--data", self.data, "--config", self.settings)
        wanted = 0 if prefix in self.imported else brought.rows
        if f"; {wanted} new, 0 changed, " not in said:
            around.fault("bring", f"wanted {wanted} new bars: {said.strip()}")
        self.imported[prefix] = brought

    def upkeep(self, around: crowd.Crowd, chance: random.Random) -> None:
        """Merges small files, and removes what no version within the retention needs."""
        for action in ("compact", "vacuum"):
            try:
                run(self.tt, "lake", action, "--data", self.data, "--config", self.settings)
            except AssertionError as error:
                # The server committed first; the next turn merges.
                if CONFLICT not in str(error):
                    raise
                around.refused[f"{action} conflict"] += 1

    def sample(self, seconds: float) -> None:
        """Notes how the server is."""
        process = Path(f"/proc/{self.server.pid}")
        status = (process / "status").read_text()
        figure = lambda name: int(re.search(rf"^{name}:\s+(\d+)", status, re.M)[1])
        with self.probes.open() as file:
            file.seek(self.read_to)
            lines = file.readlines()
            if lines and not lines[-1].endswith("\n"):
                lines.pop()
            self.read_to += sum(map(len, lines))
        recent: dict[str, list[float]] = {"point": [], "aggregate": []}
        for line in lines:
            _, name, took = line.split()
            recent[name].append(float(took))
            self.latencies[name].append((seconds, float(took)))
        with self.server.connect() as connection:
            versions = connection.execute("SELECT sum(version + 1)::bigint FROM system.freshness").fetchone()[0]
        files = sum(len(names) for _, _, names in os.walk(self.data))
        sample = Sample(
            round(seconds, 1), figure("VmRSS") * 1024, figure("Threads"), len(list((process / "fd").iterdir())), files,
            versions, *(round(percentile(recent[name], share), 2) for name in recent for share in (0.5, 0.99)),
        )
        self.samples.append(sample)
        with (self.logs / "samples.tsv").open("a") as file:
            if len(self.samples) == 1:
                file.write("\t".join(field.name for field in fields(Sample)) + "\n")
            file.write("\t".join(str(getattr(sample, field.name)) for field in fields(Sample)) + "\n")

    def thirds(self) -> list[dict[str, float]]:
        """Figures of each third of the time."""
        figures = []
        for part in range(3):
            begin, end = (self.seconds * part / 3, self.seconds * (part + 1) / 3 + (SAMPLE_SECONDS if part == 2 else 0))
            samples = [one for one in self.samples if begin <= one.seconds < end] or self.samples[-1:]
            third: dict[str, float] = {
                "memory_mb": statistics.median(one.memory for one in samples) / 1e6,
                "memory_max_mb": max(one.memory for one in samples) / 1e6,
                "threads": statistics.median(one.threads for one in samples),
                # A sort that spills has a hundred for a while; what leaks stays.
                "descriptors": min(one.descriptors for one in samples),
                "files": samples[-1].files,
                "versions": samples[-1].versions,
            }
            for name, all_of in self.latencies.items():
                took = [value for at, value in all_of if begin <= at < end]
                third[f"{name}_p50_ms"], third[f"{name}_p99_ms"] = percentile(took, 0.5), percentile(took, 0.99)
            figures.append(third)
        return figures

    def bands(self) -> list[str]:
        """What has grown more than it may between the first third and the last."""
        first, middle, last = self.thirds()
        faults = []
        for name, slack in [] if self.untimed else [("point_p99_ms", 60), ("aggregate_p99_ms", 150)]:
            most = 2.5 * max(first[name], middle[name]) + slack
            if last[name] > most:
                faults.append(f"{name} is {last[name]:.1f} in the last third, may be {most:.1f}")
        hours = self.seconds / 3600
        # What fills its caches does so early; a leak goes on.
        for name, slack in [("memory_mb", 120 + 10 * hours), ("threads", 8), ("descriptors", 48)]:
            if last[name] > middle[name] + slack:
                faults.append(f"{name} grew from {middle[name]:.0f} in the second third to {last[name]:.0f} in the last")
        if last["memory_max_mb"] * 1e6 > MEMORY_MAX or first["memory_max_mb"] * 1e6 > MEMORY_MAX:
            faults.append(f"memory was {max(one.memory for one in self.samples) / 1e6:.0f} MB")
        # Each version has a log entry and a few files; what else is left there grows without them.
        added = self.samples[-1].files - self.samples[0].files
        versions = self.samples[-1].versions - self.samples[0].versions
        if added > 4 * versions + 100:
            faults.append(f"{added} files were added by {versions} versions")
        return faults

    def nothing_lost(self) -> list[str]:
        """What is not in the lake and should be."""
        faults = []
        with self.server.connect() as connection:
            connection.execute("SET freshness = 'serve'")
            for table, written, missed, error in connection.execute(
                "SELECT dataset, written, missed, last_error FROM system.spools"
            ).fetchall():
                sql = f"SELECT count(*), count(DISTINCT sequence), max(sequence) FROM {table}"
                # Events come in while it is counted.
                count, distinct, newest = connection.execute(sql).fetchone()
                if not written <= count or distinct != count or newest != count or missed or error:
                    faults.append(
                        f"{table}: {count} events, {distinct} numbers up to {newest}, {written} written, {missed} missed, {error}"
                    )
            self.compared, different = self.follower.compare(connection)
            faults += different[:5]
            if self.compared < self.seconds / (10 if self.untimed else 4):
                faults.append(f"only {self.compared} seconds of the follower could be compared")
            for prefix, brought in self.imported.items():
                got = connection.execute(
                    f"SELECT count(*), coalesce(sum(volume), 0)::bigint FROM eod WHERE symbol LIKE '{prefix}____X'"
                ).fetchone()
                if got != (brought.rows, brought.volume):
                    faults.append(f"import {prefix}: {got} is left of {brought}")
            faults += self.left_running(connection)
        faults += [f"{path} was left behind" for path in self.data.rglob("*#*") if path.stat().st_mtime < time.time() - 60]
        return faults

    def left_running(self, connection: psycopg.Connection) -> list[str]:
        """Statements that still run a while after their clients have gone."""
        until, running = time.monotonic() + 15, []
        while time.monotonic() < until:
            running = connection.execute("SELECT sql FROM system.queries WHERE sql NOT LIKE '%system.queries%'").fetchall()
            if not running:
                break
            time.sleep(0.2)
        return [f"still runs although its client is gone: {sql[:100]}" for (sql,) in running]

    def end(self) -> None:
        """Stops whatever runs."""
        if self.probe and self.probe.poll() is None:
            self.probe.kill()
        if self.server.lives():
            self.server.stop()
        self.venue.over.set()
        self.venue.stop()


def main() -> int:
    chosen = arguments(
        __doc__,
        minutes=dict(type=float, default=480),
        seed=dict(type=int, default=1),
        untimed=dict(action="store_true"),
    )
    with scratch_folder(chosen.scratch) as scratch:
        soak = Soak(chosen, scratch)
        try:
            await_loaded(soak.server)
            soak.work()
            faults = soak.crowd.faults + soak.bands() if len(soak.samples) >= 3 else soak.crowd.faults + ["too few samples"]
            if soak.server.lives():
                faults += soak.nothing_lost()
                if soak.server.stop():
                    faults.append("the server did not end in order")
        finally:
            soak.end()
    for number, third in enumerate(soak.thirds(), 1):
        print(f"third {number}: " + ", ".join(f"{name} {value:,.1f}" for name, value in third.items()))
    print("did: " + ", ".join(f"{count:,} {name}" for name, count in sorted(soak.crowd.done.items())))
    print("refused as they may be: " + (", ".join(f"{name} {count}" for name, count in sorted(soak.crowd.refused.items())) or "none"))
    for fault in faults:
        print(f"FAULT {fault}")
    print(
        f"soak of {chosen.minutes:g} minutes, seed {chosen.seed}: {len(faults)} faults; {soak.venue.turns} faults of the venue, "
        f"{len(soak.imported)} imports, {soak.compared:,} seconds of a follower equal to the history"
    )
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())

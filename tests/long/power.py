"""Power failures at random moments: under a server that starts and collects, after an import, during a compaction.

    power.py --tt TT --scratch FOLDER --logs FOLDER [--seed N] [--starts N] [--imports N] [--compactions N]
        [--without-syncs LIBRARY]

Each failure keeps what the file system's own device holds at one moment (`volume`), and asks of a new server on it: that
every table can be read; that nothing is lost which a query had shown a second before, or an import had told; that ages
say no more than the rows do; that no number of an event is given twice. A line for each failure, and one for all.

`--without-syncs` preloads a library that forces nothing to the disk, and then wants losses to be found: that the test can
fail.
"""

import argparse
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

import bars
import witness
from server import Server, arguments, run, serving
from venue import Venue, simulated
from volume import Volumes, mounted, scratch_folder

# A small universe that commits often, so that a random moment meets some: of each kind of table, of ages, of spools.
SETTINGS = """
[collect]
lists = ["dow30", "etf"]
live_lists = ["dow30", "etf"]
option_underlyings = ["SPY"]
look_back_days = 365
history_flush = "{flush}"

[dataset.market_data]
ttl = "4s"
jitter = "0s"

[dataset.market_metrics]
ttl = "6s"
jitter = "0s"
"""
# Nothing that is there is refreshed: what is asked is what was left.
AFTERWARDS = SETTINGS.replace('ttl = "4s"', 'ttl = "30d"').replace('ttl = "6s"', 'ttl = "30d"')
REFRESHED = ["market_metrics", "dividends", "market_data", "symbols", "earnings", "calendar"]
START_SECONDS = 30.0
IMPORT_SECONDS = 5.0
# How long a server runs on with new events, over several commits of its histories.
AFTERWARDS_SECONDS = 3.0
EVENTS_SECONDS = 600.0
# Quotes per second.
RATE = 500
SYMBOLS, DAYS = 40, 750
SMALL_FILES_SECONDS = 30.0


@dataclass
class Failure:
    """One power failure and what came of it."""

    name: str
    moment: str = ""
    lead_events: float = 0.0
    # How long before the moment the newest event was received that is there.
    newest: float | None = None
    lead_rows: float = 0.0
    tables: int = 0
    shown: int = 0
    missed: int = 0
    faults: list[str] = field(default_factory=list)

    def line(self) -> str:
        """What a reader wants to know of it."""
        state = "ok" if not self.faults else "FAULT"
        lost = lambda lead: f"those of the last {lead:.2f} s" if lead else "none"
        newest = f"; newest quote kept of {self.newest:.2f} s before" if self.newest is not None else ""
        return (
            f"{state:6}{self.name:14} {self.moment:44} {self.tables} tables read; {self.shown:,} events shown, lost of them "
            f"{lost(self.lead_events)}{newest}; of rows shown {lost(self.lead_rows)}"
            + "".join(f"\n      {fault}" for fault in self.faults)
        )


class Power:
    """The failures of one run."""

    def __init__(self, chosen: argparse.Namespace, volumes: Volumes, venue: Venue, scratch: Path) -> None:
        self.venue = venue
        self.tt, self.logs, self.volumes, self.scratch = chosen.tt, chosen.logs, volumes, scratch
        self.chance = random.Random(chosen.seed)
        self.environment: dict[str, str] = {}
        # A command that runs beside the server and loses its power with it.
        self.beside: subprocess.Popen | None = None
        # Whether the image of a failure with faults is kept beside the logs.
        self.keeps = not chosen.without_syncs
        if chosen.without_syncs:
            self.environment = {"LD_PRELOAD": str(chosen.without_syncs), "TT_SYNCS": "ignored"}
        # Whether the disk refuses now and then.
        self.refuses = False
        self.number = 0

    def serve(self, data: Path, name: str, environment: dict[str, str], flush: str, written: str = SETTINGS) -> Server:
        """Starts a server that collects from the venue and commits often."""
        settings = self.scratch / f"{name}.toml"
        settings.write_text(written.format(flush=flush))
        return Server(
            self.tt, "serve", "--config", settings, "--data", data, log=self.logs / f"{name}.log",
            environment={**self.venue.environment(), **environment},
        )

    def base(self) -> str:
        """Name of the image of a lake that a server filled, with many small files, and left in order; made once."""
        name = "base"
        if not self.volumes.image(name).exists():
            with mounted(self.volumes.fresh(name), self.scratch / name) as disk:
                server = self.serve(disk / "tt", name, {}, "200ms", AFTERWARDS)
                try:
                    witness.await_loaded(server.ready())
                    time.sleep(SMALL_FILES_SECONDS)
                finally:
                    server.stop()
        return name

    def fail(self, name: str, act: Callable[[Server, Path, Failure], None]) -> Failure:
        """Runs a server on the image `disk` until `act` returns, takes its power, and looks at what is left.

        What is left is the image `disk` afterwards.
        """
        self.number += 1
        failure = Failure(f"{self.number:2} {name}")
        disk = self.scratch / "disk"
        flush = self.chance.choice(["300ms", "1s", "3s", "60s"])
        with mounted(self.volumes.image("disk"), disk):
            server = self.serve(disk / "tt", f"{self.number:02}-{name}", self.environment, flush)
            refresh = witness.refreshes(REFRESHED, 0.5)
            watch = witness.Witnesses(server, refresh)
            try:
                act(server, disk / "tt", failure)
                wall = time.time()
                moment, until = self.volumes.copy("disk", "left")
                wall += until - moment
                if not server.lives():
                    failure.faults.append(f"the server had ended: {server.last_words()}")
            finally:
                server.kill()
                if self.beside:
                    self.beside.kill()
                    self.beside.wait()
            record = watch.dismiss()
        failure.moment += f", flush {flush}"
        failure.shown = sum(looks[-1].count for looks in record.events.values() if looks)
        self.volumes.copy("left", "disk")
        try:
            self.look(failure, record, moment, wall)
        except (psycopg.Error, AssertionError) as error:
            failure.faults.append(f"the check came to no end: {error}")
        if failure.faults and self.keeps:
            self.volumes.keep("left", self.logs / f"{self.number:02}-image")
        self.volumes.remove("left")
        print(failure.line(), flush=True)
        return failure

    def look(self, failure: Failure, record: witness.Record, moment: float, wall: float) -> None:
        """Asks new servers what is left: first one that only reads, then one that goes on."""
        name = f"{self.number:02}-after"
        with mounted(self.volumes.image("disk"), self.scratch / "disk") as disk:
            data, log = disk / "tt", self.logs / f"{name}.log"
            data.mkdir(exist_ok=True)
            with serving(self.tt, "serve", "--read-only", "--data", data, log=log) as server:
                with server.connect() as connection, connection.cursor() as cursor:
                    failure.tables, faults = witness.unreadable(connection)
                    failure.faults += faults
                    failure.lead_rows, faults = witness.lost_rows(cursor, record, moment, self.refuses)
                    failure.faults += faults + witness.untrue_ages(cursor, wall)
            self.go_on(failure, record, moment, wall, data, name)

    def go_on(
        self, failure: Failure, record: witness.Record, moment: float, wall: float, data: Path, name: str
    ) -> None:
        """Histories take in events again: what they had is there, and their numbers go on."""
        restarted = time.time()
        server = self.serve(data, name, self.environment, "500ms", AFTERWARDS)
        try:
            with server.ready().connect() as connection, connection.cursor() as cursor:
                newer = f"SELECT count(*) FROM quotes_history WHERE received_at >= to_timestamp({restarted!r})"
                while not cursor.execute(newer).fetchone()[0]:
                    if time.time() > restarted + EVENTS_SECONDS:
                        raise AssertionError("no new event came in")
                    time.sleep(0.2)
                time.sleep(AFTERWARDS_SECONDS)
                failure.lead_events, faults = witness.lost_events(cursor, record, moment, restarted)
                if record.events["quotes_history"]:
                    failure.newest = witness.newest_kept(cursor, wall, restarted)
                failure.faults += faults
                failure.missed = cursor.execute("SELECT sum(missed)::bigint FROM system.spools").fetchone()[0]
                if failure.missed:
                    failure.faults.append(f"{failure.missed} events are counted as lost")
        finally:
            server.stop()

    def starts(self, count: int) -> list[Failure]:
        """Moments within half a minute of the start, on an empty disk or on what the failure before has left."""
        failures = []
        for turn in range(count):
            if turn % 3 == 0:
                self.volumes.fresh("disk")
            seconds = self.chance.uniform(0, START_SECONDS)

            def act(server: Server, data: Path, failure: Failure) -> None:
                failure.moment = f"{seconds:.2f} s after the start" + (", empty" if turn % 3 == 0 else "")
                time.sleep(max(0.0, server.began + seconds - time.monotonic()))

            failures.append(self.fail("start", act))
        return failures

    def imports(self, count: int) -> list[Failure]:
        """Moments just after an import has said that it is done."""
        failures = []
        for turn in range(count):
            self.volumes.copy(self.base(), "disk")
            seconds, prefix = self.chance.uniform(0, IMPORT_SECONDS) if turn else 0.0, f"P{turn}"
            files = self.scratch / f"bars-{turn}"
            wanted = bars.write(files, prefix, SYMBOLS, DAYS, self.chance.randrange(1 << 30))

            def act(server: Server, data: Path, failure: Failure) -> None:
                witness.await_loaded(server.ready())
                run(self.tt, "import", "metastock", files, "--data", data, environment=self.environment)
                failure.moment = f"{seconds:.2f} s after the import"
                time.sleep(seconds)

            failure = self.fail("import", act)
            faults = self.imported(prefix, wanted)
            failure.faults += faults
            for fault in faults:
                print(f"      {fault}", flush=True)
            failures.append(failure)
        return failures

    def imported(self, prefix: str, wanted: bars.Bars) -> list[str]:
        """What is missing of an import that was told as done."""
        sql = f"""SELECT count(*), count(DISTINCT symbol), coalesce(sum(volume), 0)::bigint,
            (SELECT count(*) FROM system.refreshes WHERE cause = 'import') AS runs
            FROM eod WHERE symbol LIKE '{prefix}____X'"""
        with mounted(self.volumes.image("disk"), self.scratch / "disk") as disk:
            with serving(self.tt, "serve", "--read-only", "--data", disk / "tt", log=self.logs / "imported.log") as server:
                with server.connect() as connection:
                    rows, symbols, volume, runs = connection.execute(sql).fetchone()
        faults = []
        if (rows, symbols, volume) != (wanted.rows, wanted.symbols, wanted.volume):
            faults.append(f"{rows} bars of {symbols} symbols are left of {wanted.rows} of {wanted.symbols} imported")
        if not runs:
            faults.append("the import is not remembered")
        return faults

    def compactions(self, count: int) -> list[Failure]:
        """Moments while small files are merged into large ones; afterwards another merge, and a vacuum, lose nothing."""
        failures = []
        usual = self.compaction_seconds() if count else 0.0
        for _ in range(count):
            self.volumes.copy(self.base(), "disk")
            seconds = self.chance.uniform(0, usual)

            def act(server: Server, data: Path, failure: Failure) -> None:
                witness.await_loaded(server.ready())
                time.sleep(1.5)
                failure.moment = f"{seconds:.2f} of {usual:.2f} s into the merge"
                command = [self.tt, "lake", "compact", "--data", data]
                with (self.logs / "compact.log").open("ab") as log:
                    self.beside = subprocess.Popen(
                        [str(word) for word in command], stdout=log, stderr=log, env={**os.environ, **self.environment}
                    )
                time.sleep(seconds)

            failure = self.fail("compaction", act)
            faults = self.upkeep()
            failure.faults += faults
            for fault in faults:
                print(f"      {fault}", flush=True)
            failures.append(failure)
        return failures

    def compaction_seconds(self) -> float:
        """How long a merge of the base takes beside a server."""
        self.volumes.copy(self.base(), "trial")
        with mounted(self.volumes.image("trial"), self.scratch / "trial") as disk:
            server = self.serve(disk / "tt", "trial", self.environment, "1s")
            try:
                server.ready()
                began = time.monotonic()
                run(self.tt, "lake", "compact", "--data", disk / "tt", environment=self.environment)
                return time.monotonic() - began
            finally:
                server.stop()

    def upkeep(self) -> list[str]:
        """Merges and cleans what is left, and counts before and after."""
        with mounted(self.volumes.image("disk"), self.scratch / "disk") as disk:
            data = disk / "tt"
            count = lambda: [
                run(self.tt, "query", f"SELECT count(*), sum(sequence) FROM {name}", "--format", "csv", "--data", data)
                for name in witness.HISTORIES
            ]
            before = count()
            run(self.tt, "lake", "compact", "--data", data)
            run(self.tt, "lake", "vacuum", "--data", data)
            after = count()
        return [] if before == after else [f"a merge after the failure made {after} of {before}"]


def main() -> int:
    chosen = arguments(
        __doc__,
        seed=dict(type=int, default=1),
        starts=dict(type=int, default=10),
        imports=dict(type=int, default=5),
        compactions=dict(type=int, default=5),
        without_syncs=dict(type=Path),
    )
    began = time.monotonic()
    with scratch_folder(chosen.scratch) as scratch, Volumes.within(scratch) as volumes, simulated(
        chosen.tt, scratch, chosen.logs, RATE, chosen.seed
    ) as venue:
        power = Power(chosen, volumes, venue, scratch)
        failures = power.starts(chosen.starts) + power.imports(chosen.imports) + power.compactions(chosen.compactions)
    faulty = sum(bool(failure.faults) for failure in failures)
    lead = max((failure.lead_events for failure in failures), default=0.0)
    shown = sum(failure.shown for failure in failures)
    newest = max((failure.newest for failure in failures if failure.newest is not None), default=0.0)
    print(
        f"{len(failures)} power failures in {time.monotonic() - began:.0f} s, seed {chosen.seed}: {faulty} with faults; "
        f"{shown:,} events shown, of which those of the last {lead:.2f} s were lost at most; the newest quote kept was received "
        f"{newest:.2f} s before the failure at most"
    )
    return int((faulty == 0) != (chosen.without_syncs is None))


if __name__ == "__main__":
    sys.exit(main())

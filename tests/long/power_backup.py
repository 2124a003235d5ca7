"""Power failures under backups and restores: what was told as done is whole, and what was not is no backup and no lake.

    power_backup.py --tt TT --scratch FOLDER --logs FOLDER [--seed N] [--backups N] [--restores N]
        [--without-syncs LIBRARY]

The lake stands on a disk that keeps its power; the one that fails holds the backups, or the lake that is restored. After a
failure every backup that is listed must come back with the rows that the lake had when it was made, the first one must be
listed, and the second one too where it was told. A restore that was told is that lake; another one is refused, and made
anew on what was left.

`--without-syncs` preloads a library that forces nothing to the disk, and then wants faults to be found: that the test can
fail.
"""

import argparse
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import bars
import witness
from server import Server, arguments, run
from venue import Venue, simulated
from volume import Volumes, mounted, scratch_folder

# Quotes per second, and how long a server collects.
RATE, COLLECTING_SECONDS = 500, 10.0
SYMBOLS, DAYS = 40, 750
# How far behind its usual end a moment may lie.
BEYOND = 1.8
COUNTED = ["eod", "symbols", "market_metrics", "dividends", "quotes_history", "trades_history"]
CONTENT = " UNION ALL ".join(f"SELECT '{name}' AS name, count(*) AS rows FROM {name}" for name in COUNTED) + " ORDER BY name"


class Backups:
    """The failures of one run."""

    def __init__(self, chosen: argparse.Namespace, volumes: Volumes, venue: Venue, scratch: Path) -> None:
        self.tt, self.logs, self.volumes, self.scratch, self.venue = chosen.tt, chosen.logs, volumes, scratch, venue
        self.chance = random.Random(chosen.seed)
        self.environment: dict[str, str] = {}
        if chosen.without_syncs:
            self.environment = {"LD_PRELOAD": str(chosen.without_syncs), "TT_SYNCS": "ignored"}
        self.data = scratch / "lake"

    def content(self, data: Path) -> str:
        """Rows of each table."""
        return run(self.tt, "query", CONTENT, "--format", "csv", "--data", data)

    def fill(self) -> None:
        """Has a server collect for a while."""
        server = Server(
            self.tt, "serve", "--data", self.data, log=self.logs / "fill.log", environment=self.venue.environment()
        )
        try:
            witness.await_loaded(server.ready())
            time.sleep(COLLECTING_SECONDS)
        finally:
            server.stop()

    def grow(self, turn: int) -> None:
        """More bars, so that the next backup has files to copy."""
        files = self.scratch / f"bars-{turn}"
        bars.write(files, f"B{turn}", SYMBOLS, DAYS, self.chance.randrange(1 << 30))
        run(self.tt, "import", "metastock", files, "--data", self.data)

    def backed_up(self, target: Path) -> str:
        """A backup that was told; what the lake had then."""
        run(self.tt, "lake", "backup", target, "--data", self.data, environment=self.environment)
        return self.content(self.data)

    def listed(self, target: Path) -> list[str]:
        """Names of the backups of a target, the oldest first."""
        lines = run(self.tt, "lake", "restore", target, "--list", "--format", "csv").splitlines()
        return sorted(line.split(",")[0] for line in lines[1:])

    def usual(self, work: Callable[[], object]) -> float:
        """How long something takes."""
        began = time.monotonic()
        work()
        return time.monotonic() - began

    def interrupted(self, usual: float, *words: object) -> tuple[float, bool]:
        """Runs a command and takes the disk's power at a random moment: the moment, and whether the command had told its end."""
        seconds = self.chance.uniform(0, usual * BEYOND)
        with (self.logs / "commands.log").open("ab") as log:
            process = subprocess.Popen(
                [str(word) for word in (self.tt, *words)], stdout=log, stderr=log, env={**os.environ, **self.environment}
            )
        time.sleep(seconds)
        told = process.poll() == 0
        self.volumes.copy("disk", "left")
        process.kill()
        process.wait()
        return seconds, told

    def backup(self, turn: int) -> list[str]:
        """A failure under the second backup of a target."""
        self.volumes.fresh("disk")
        with mounted(self.volumes.image("disk"), self.scratch / "disk") as disk:
            target = disk / "backups"
            usual = self.usual(lambda: self.backed_up(target))
            contents = [self.content(self.data)]
            [first] = self.listed(target)
            self.grow(turn)
            contents.append(self.content(self.data))
            seconds, told = self.interrupted(usual, "lake", "backup", target, "--data", self.data)
        with mounted(self.volumes.image("left"), self.scratch / "disk") as disk:
            try:
                state, faults = self.left(disk / "backups", first, told, contents)
            except AssertionError as error:
                state, faults = "unreadable", [str(error)]
        self.tell(f"backup, {seconds:.2f} of {usual:.2f} s", told, state, faults)
        return faults

    def left(self, target: Path, first: str, told: bool, contents: list[str]) -> tuple[str, list[str]]:
        """What a failure left of the backups of a target, in words, and what is wrong with it."""
        faults, listed = [], self.listed(target)
        if first not in listed:
            faults.append("the first backup is not listed")
        if told and len(listed) < 2:
            faults.append("the backup that was told is not listed")
        for name, content in zip(listed, contents):
            faults += self.comes_back(target, name, content)
        # The next one goes on from what was left.
        run(self.tt, "lake", "backup", target, "--data", self.data)
        return f"{len(listed)} listed", faults + self.comes_back(target, self.listed(target)[-1], contents[1])

    def comes_back(self, target: Path, name: str, content: str) -> list[str]:
        """What is wrong with a backup."""
        place = self.scratch / "restored"
        try:
            run(self.tt, "lake", "restore", target, "--backup", name, "--data", place)
            found = self.content(place)
        except AssertionError as error:
            return [f"backup {name}: {error}"]
        finally:
            subprocess.run(["rm", "-rf", str(place)], check=True)
        return [] if found == content else [f"backup {name} has {found.split()} of {content.split()}"]

    def restore(self, target: Path, usual: float, content: str) -> list[str]:
        """A failure under a restore."""
        self.volumes.fresh("disk")
        words = ("lake", "restore", target, "--data")
        with mounted(self.volumes.image("disk"), self.scratch / "disk") as disk:
            seconds, told = self.interrupted(usual, *words, disk / "tt")
        faults, state = [], "whole"
        with mounted(self.volumes.image("left"), self.scratch / "disk") as disk:
            try:
                found = self.content(disk / "tt")
            except AssertionError as error:
                found, state = None, "refused"
                if told:
                    faults.append(f"the restore that was told: {error}")
                elif "never loaded" in str(error) and not any((disk / "tt" / part).exists() for part in ("lake", "state")):
                    # Its folders were made, and the mark of a restore was not yet: there is nothing of a lake.
                    state = "empty"
                elif "has not ended" not in str(error) and "no lake" not in str(error):
                    there = sorted(str(path.relative_to(disk)) for path in disk.rglob("*"))[:20]
                    faults.append(f"what was left ({there}) is refused otherwise: {error}")
                found = self.again(faults, *words, disk / "tt")
            if found is not None and found != content:
                faults.append(f"{found.split()} of {content.split()}")
        self.tell(f"restore, {seconds:.2f} of {usual:.2f} s", told, state, faults)
        return faults

    def again(self, faults: list[str], *words: object) -> str | None:
        """Restores once more, where a failure has left a part; what the lake has then."""
        try:
            run(self.tt, *words)
            return self.content(Path(str(words[-1])))
        except AssertionError as error:
            faults.append(f"restored anew: {error}")
            return None

    def tell(self, name: str, told: bool, state: str, faults: list[str]) -> None:
        """Prints the line of a failure."""
        print(f"{'FAULT' if faults else 'ok':6}{name:32}{'told' if told else 'not told'}; {state}", flush=True)
        for fault in faults:
            print(f"      {fault}", flush=True)
        self.volumes.remove("left")

    def backups(self, count: int) -> int:
        """Failures under backups; how many had faults."""
        return sum(bool(self.backup(turn)) for turn in range(count))

    def restores(self, count: int) -> int:
        """Failures under restores; how many had faults."""
        target = self.scratch / "backups"
        content = self.backed_up(target)
        trial = self.scratch / "trial"
        usual = self.usual(lambda: run(self.tt, "lake", "restore", target, "--data", trial))
        return sum(bool(self.restore(target, usual, content)) for _ in range(count))


def main() -> int:
    chosen = arguments(
        __doc__,
        seed=dict(type=int, default=1),
        backups=dict(type=int, default=10),
        restores=dict(type=int, default=10),
        without_syncs=dict(type=Path),
    )
    began = time.monotonic()
    with scratch_folder(chosen.scratch) as scratch, Volumes.within(scratch) as volumes, simulated(
        chosen.tt, scratch, chosen.logs, RATE, chosen.seed
    ) as venue:
        run_of = Backups(chosen, volumes, venue, scratch)
        run_of.fill()
        faulty = run_of.backups(chosen.backups) + run_of.restores(chosen.restores)
    count = chosen.backups + chosen.restores
    print(f"{count} power failures in {time.monotonic() - began:.0f} s, seed {chosen.seed}: {faulty} with faults")
    return int((faulty == 0) != (chosen.without_syncs is None))


if __name__ == "__main__":
    sys.exit(main())

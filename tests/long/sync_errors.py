"""A disk that refuses: calls that force files to it fail at random moments under a running server, and then the power does.

    sync_errors.py --tt TT --scratch FOLDER --logs FOLDER --library LIBRARY [--seed N] [--rounds N]

The library (`syncs.c`) is preloaded. The server lives and says so in its log; what fails is tried again, and nothing that
was told as stored is missing after the power failure. Events count as stored once `system.spools` told of no error a
second after they were shown.
"""

import argparse
import sys
import time
from pathlib import Path

import psycopg

import witness
from power import RATE, Failure, Power
from server import Server, arguments
from venue import Venue, simulated
from volume import Volumes, scratch_folder

REFUSED = "cannot be forced to the disk"
# How long the disk refuses at a time, how long it does not, and which share of the calls it refuses then.
FAILING_SECONDS, WELL_SECONDS, SHARES = (0.3, 3.0), (0.5, 3.0), (0.05, 0.3, 1.0)
ROUND_SECONDS = (12.0, 25.0)
RECOVER_SECONDS = 15.0


class SyncErrors(Power):
    """Power failures of a server whose disk has refused."""

    def __init__(self, chosen: argparse.Namespace, volumes: Volumes, venue: Venue, scratch: Path) -> None:
        super().__init__(chosen, volumes, venue, scratch)
        self.share, self.refused = scratch / "share", chosen.logs / "refused.txt"
        self.refused.write_text("")
        self.environment = {
            "LD_PRELOAD": str(chosen.library), "TT_SYNCS": "failing", "TT_SYNCS_FAIL": str(self.share),
            "TT_SYNCS_LOG": str(self.refused),
        }
        self.refuses, self.windows = True, 0

    def refuse(self, seconds: float, share: float) -> None:
        """The disk refuses a share of the calls for a time."""
        fresh = self.share.with_suffix(".new")
        fresh.write_text(f"{share}")
        fresh.rename(self.share)
        self.windows += 1
        time.sleep(seconds)
        self.share.unlink()

    def rounds(self, count: int) -> list[Failure]:
        """Each round goes on with what the one before has left."""
        self.volumes.fresh("disk")
        failures = []
        for turn in range(count):
            # Every other power failure meets a disk that refuses.
            last_words = turn % 2 == 1

            def act(server: Server, data: Path, failure: Failure) -> None:
                witness.await_loaded(server.ready())
                windows, until = self.windows, time.monotonic() + self.chance.uniform(*ROUND_SECONDS)
                while time.monotonic() < until:
                    self.refuse(self.chance.uniform(*FAILING_SECONDS), self.chance.choice(SHARES))
                    time.sleep(self.chance.uniform(*WELL_SECONDS))
                if not last_words:
                    failure.faults += self.recovered(server)
                else:
                    self.refuse_until_told(server)
                failure.moment = f"after {self.windows - windows} refusals" + (", during one" if last_words else "")

            failure = self.fail("refusal", act)
            log = self.logs / f"{self.number:02}-refusal.log"
            if REFUSED not in log.read_text(errors="replace"):
                failure.faults.append("the log says nothing of a disk that refuses")
                print(f"      {failure.faults[-1]}", flush=True)
            failures.append(failure)
        return failures

    def look(self, failure: Failure, *seen: object) -> None:
        """Looks at what is left on a disk that is well again."""
        self.share.unlink(missing_ok=True)
        super().look(failure, *seen)

    def refuse_until_told(self, server: Server) -> None:
        """The disk refuses everything from now on; returns when a spool has told."""
        self.share.write_text("1.0")
        self.windows += 1
        until = time.monotonic() + RECOVER_SECONDS
        with server.connect() as connection:
            while time.monotonic() < until:
                if connection.execute("SELECT count(last_error) FROM system.spools").fetchone()[0]:
                    break
                time.sleep(0.05)
        time.sleep(self.chance.uniform(0, 4))

    def recovered(self, server: Server) -> list[str]:
        """What is still told as failing when the disk has been well for a while."""
        until, left = time.monotonic() + RECOVER_SECONDS, ["nobody could be asked"]
        with server.connect() as connection:
            while left and time.monotonic() < until:
                time.sleep(0.2)
                spools = connection.execute("SELECT dataset, last_error FROM system.spools WHERE last_error IS NOT NULL")
                left = [f"{name} does not recover: {error}" for name, error in spools.fetchall()]
                try:
                    connection.execute("REFRESH TABLE market_data")
                except psycopg.Error as error:
                    left.append(f"a refresh does not recover: {error}")
        return left


def main() -> int:
    chosen = arguments(
        __doc__,
        library=dict(type=Path, required=True),
        seed=dict(type=int, default=1),
        rounds=dict(type=int, default=6),
    )
    chosen.without_syncs = None
    began = time.monotonic()
    with scratch_folder(chosen.scratch) as scratch, Volumes.within(scratch) as volumes, simulated(
        chosen.tt, scratch, chosen.logs, RATE, chosen.seed
    ) as venue:
        test = SyncErrors(chosen, volumes, venue, scratch)
        failures = test.rounds(chosen.rounds)
    calls = [line.split()[-1] for line in test.refused.read_text().splitlines()]
    kinds = {"spools": "/spool/", "logs of tables": "/_delta_log", "ages": "/state", "data": ".parquet"}
    counted = ", ".join(f"{sum(part in call for call in calls)} of {kind}" for kind, part in kinds.items())
    faulty = sum(bool(failure.faults) for failure in failures)
    print(
        f"{len(failures)} power failures after {test.windows} times of refusing, {len(calls)} calls refused ({counted}), in "
        f"{time.monotonic() - began:.0f} s, seed {chosen.seed}: {faulty} with faults"
    )
    if not calls:
        print("FAULT no call was refused")
    return int(bool(faulty) or not calls)


if __name__ == "__main__":
    sys.exit(main())

"""What durability costs: an import, and a burst of events, with everything forced to the disk and with nothing.

    price.py --tt TT --scratch FOLDER --logs FOLDER --library LIBRARY [--runs N] [--files N]

Both ways take turns on an ext4 of their own, and the best run of each counts. Fails when a burst
lost events for want of a disk that keeps up.
"""

import shutil
import sys
import time
from pathlib import Path

import bars
from server import arguments, run, serving
from venue import Venue
from volume import Volumes, command, mounted, scratch_folder
from witness import await_loaded

DAYS = 1250
# Offered quotes per second, and how long what comes in is counted.
BURST_RATE, BURST_SECONDS = 30_000, 8.0
SETTINGS = """
[collect]
history_flush = "1s"
"""


def imported(tt: Path, disk: Path, files: Path, environment: dict[str, str]) -> float:
    """Seconds of an import into an empty lake."""
    data = disk / "tt"
    shutil.rmtree(data, ignore_errors=True)
    command("sync", "-f", disk)
    began = time.monotonic()
    run(tt, "import", "metastock", files, "--data", data, environment=environment)
    return time.monotonic() - began


def burst(tt: Path, disk: Path, venue: Venue, settings: Path, logs: Path, environment: dict[str, str]) -> tuple[float, int]:
    """Quotes, trades and sales that reach the histories in a second of a venue that offers more, and how many were missed."""
    data = disk / "tt"
    shutil.rmtree(data, ignore_errors=True)
    command("sync", "-f", disk)
    environment = {**venue.environment(), **environment}
    sql = "SELECT sum(written)::bigint, sum(missed)::bigint FROM system.spools"
    with serving(
        tt, "serve", "--config", settings, "--data", data, log=logs / "burst.log", environment=environment
    ) as server, server.connect() as connection:
        await_loaded(server)
        before, began = connection.execute(sql).fetchone(), time.monotonic()
        time.sleep(BURST_SECONDS)
        after, took = connection.execute(sql).fetchone(), time.monotonic() - began
    return (after[0] - before[0]) / took, after[1]


def main() -> int:
    chosen = arguments(
        __doc__,
        library=dict(type=Path, required=True),
        runs=dict(type=int, default=5),
        files=dict(type=int, default=500),
    )
    ways = {"with": {}, "without": {"LD_PRELOAD": str(chosen.library), "TT_SYNCS": "ignored"}}
    imports: dict[str, list[float]] = {way: [] for way in ways}
    bursts: dict[str, list[float]] = {way: [] for way in ways}
    missed = 0
    with scratch_folder(chosen.scratch) as scratch:
        files, settings = scratch / "files", scratch / "burst.toml"
        brought = bars.write(files, "B", chosen.files, DAYS, 1)
        settings.write_text(SETTINGS)
        with Volumes.within(scratch) as volumes, mounted(volumes.fresh("disk"), scratch / "disk") as disk:
            for _ in range(chosen.runs):
                for way, environment in ways.items():
                    imports[way].append(imported(chosen.tt, disk, files, environment))
            venue = Venue(chosen.tt, scratch, chosen.logs / "venue.log", BURST_RATE, 1)
            try:
                for _ in range(chosen.runs):
                    for way, environment in ways.items():
                        rate, lost = burst(chosen.tt, disk, venue, settings, chosen.logs, environment)
                        bursts[way].append(rate)
                        missed += lost
            finally:
                venue.stop()
    best = {way: min(took) for way, took in imports.items()}
    most = {way: max(rates) for way, rates in bursts.items()}
    shown = lambda values: " ".join(f"{value:,.2f}" if value < 1000 else f"{value:,.0f}" for value in values)
    print(f"imports, s:         with {shown(imports['with'])}; without {shown(imports['without'])}")
    print(f"events per second:  with {shown(bursts['with'])}; without {shown(bursts['without'])}")
    print(
        f"price of durability, best of {chosen.runs}: import of {brought.rows:,} bars in {chosen.files} files {best['with']:.2f} s, "
        f"without syncs {best['without']:.2f} s ({100 * (best['with'] / best['without'] - 1):+.1f} %); {most['with']:,.0f} "
        f"events per second into histories, without {most['without']:,.0f} ({100 * (most['without'] / most['with'] - 1):+.1f} %); "
        f"{missed} events missed"
    )
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())

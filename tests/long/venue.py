"""A simulated venue that is ended and started again on the same addresses, each time with other faults."""

import contextlib
import random
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

from server import free_port

FAULTS = {
    "none": "",
    "errors": """
[[fault]]
target = "/market-metrics"
kind = "status"
status = 500
times = 6
[[fault]]
target = "/market-data"
kind = "bad-gateway"
times = 4
""",
    "throttled": """
[[fault]]
target = "/market-metrics"
kind = "throttled"
retry_after_s = 1
times = 5
[[fault]]
target = "/instruments"
kind = "slow"
delay_ms = 800
times = 10
""",
    "broken": """
[[fault]]
target = "/market-metrics"
kind = "truncated"
times = 3
[[fault]]
target = "/market-data"
kind = "html"
times = 3
[[fault]]
target = "/market-data"
kind = "drop"
times = 3
""",
    "feed": """
[[fault]]
target = "Quote"
kind = "garbage"
times = 2
[[fault]]
target = "Trade"
kind = "nan"
times = 50
[[fault]]
target = "Quote"
kind = "reordered-fields"
times = 2
""",
    "closing": """
[[fault]]
target = "KEEPALIVE"
kind = "close"
code = 1009
times = 2
[[fault]]
target = "AUTH"
kind = "unauthorised"
times = 1
""",
}
PAUSE_SECONDS = (0.2, 8.0)


class Venue:
    """One venue, wherever its process is by now."""

    def __init__(self, tt: Path, scratch: Path, log: Path, rate: float, seed: int) -> None:
        self.tt, self.scratch, self.log, self.rate = tt, scratch, log, rate
        self.rest, self.dxlink = free_port(), free_port()
        self.chance = random.Random(f"{seed} venue")
        self.over, self.turns = threading.Event(), 0
        self.process = self.start("none")

    def start(self, faults: str) -> subprocess.Popen:
        """Starts it, and waits until it answers."""
        rules = self.scratch / "faults.toml"
        rules.write_text(FAULTS[faults])
        command = [
            self.tt, "simulate", "--rest", f"127.0.0.1:{self.rest}", "--dxlink", f"127.0.0.1:{self.dxlink}",
            "--rate", self.rate, "--faults", rules,
        ]
        with self.log.open("ab") as log:
            process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=log, text=True)
        if not process.stdout.readline().startswith("ready "):
            raise AssertionError("the simulated venue did not start")
        return process

    def environment(self) -> dict[str, str]:
        """Settings of a server that collects from it."""
        return {
            "TT__SOURCE__TASTYTRADE__BASE_URL": f"http://127.0.0.1:{self.rest}",
            "TT__SOURCE__TASTYTRADE__CLIENT_SECRET": "sim-secret",
            "TT__SOURCE__TASTYTRADE__REFRESH_TOKEN": "sim-refresh",
            "TT__SOURCE__TASTYTRADE__REQUESTS_PER_SECOND": "0",
        }

    def misbehave(self, seconds: float) -> None:
        """Goes away every so often and comes back with other faults, until it is ended."""
        names = list(FAULTS)
        while not self.over.wait(self.chance.uniform(0.5, 1.5) * seconds):
            self.stop()
            self.over.wait(self.chance.uniform(*PAUSE_SECONDS))
            self.turns += 1
            self.process = self.start(names[self.turns % len(names)])

    def stop(self) -> None:
        """Ends the process."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def simulated(tt: Path, scratch: Path, logs: Path, rate: float, seed: int) -> Iterator[Venue]:
    """A venue that behaves, for the block."""
    venue = Venue(tt, scratch, logs / "venue.log", rate, seed)
    try:
        yield venue
    finally:
        venue.stop()

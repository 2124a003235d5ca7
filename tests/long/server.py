"""A `tt` that runs beside a test: its start, its connections, its end."""

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg

READY_SECONDS = 300
STOP_SECONDS = 60


def arguments(description: str, **further: dict) -> argparse.Namespace:
    """What every test is given, and what else one asks for; makes the folder of its logs, and lets a test that is ended put
    away what it has started and mounted."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    for place in ("tt", "scratch", "logs"):
        parser.add_argument(f"--{place}", type=Path, required=True)
    for name, how in further.items():
        parser.add_argument("--" + name.replace("_", "-"), **how)
    chosen = parser.parse_args()
    chosen.logs.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    return chosen


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Server:
    """One process, started at once; `ready` waits for its addresses. Its Postgres port is known before."""

    def __init__(self, tt: Path, *arguments: object, log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.port, self.log, self.output = free_port(), log, log.with_suffix(".out")
        self.flight = ""
        command = [tt, *arguments, "--pg", f"127.0.0.1:{self.port}", "--flight", "127.0.0.1:0", "--http", "127.0.0.1:0"]
        with log.open("ab") as errors, self.output.open("wb") as output:
            self.began = time.monotonic()
            self.process = subprocess.Popen(
                [str(word) for word in command], stdout=output, stderr=errors, env={**os.environ, **(environment or {})}
            )

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self.process.pid

    def lives(self) -> bool:
        """Whether the process has not ended."""
        return self.process.poll() is None

    def ready(self) -> "Server":
        """Waits for the ready line."""
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until:
            for line in self.output.read_text().splitlines():
                if line.startswith("ready "):
                    self.flight = dict(word.split("=", 1) for word in line.split()[1:])["flight"]
                    return self
            if not self.lives():
                break
            time.sleep(0.05)
        raise AssertionError(f"tt is not ready: {self.last_words()}")

    def last_words(self) -> str:
        """The end of its log."""
        return " / ".join(self.log.read_text(errors="replace").splitlines()[-3:])

    def connect(self) -> psycopg.Connection:
        """A session that commits each statement."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="tt", dbname="tt", autocommit=True, connect_timeout=60
        )

    def kill(self) -> None:
        """Ends it without a word."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ends it as an operator does; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return -1


@contextlib.contextmanager
def serving(tt: Path, *arguments: object, log: Path, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A server that is ready, and is ended with the block."""
    server = Server(tt, *arguments, log=log, environment=environment)
    try:
        yield server.ready()
    finally:
        if server.lives():
            server.stop()


def run(tt: Path, *arguments: object, seconds: int = 300, environment: Mapping[str, str] | None = None) -> str:
    """Runs a command to its end; what it printed. A failure is an exception with its reason."""
    done = subprocess.run(
        [str(word) for word in (tt, *arguments)],
        capture_output=True, text=True, timeout=seconds, env={**os.environ, **(environment or {})},
    )
    if done.returncode:
        raise AssertionError(f"tt {' '.join(map(str, arguments))}: exit code {done.returncode}: {done.stderr[-500:]}")
    return done.stdout

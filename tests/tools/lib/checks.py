"""What the clients in Python share: checks that go on after a failure, what psql answers, the server's address, the end.

Failures are told at once on the error output. `report` ends a client: it prints `ok` and the number of checks where there was
no failure, and gives the exit code.
"""

import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

HOST, PORT, USER, DATABASE = (os.environ[name] for name in ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE"))
PLACE = f"{HOST}:{PORT}/{DATABASE}"

checks = 0
failures: list[str] = []


def address(scheme: str = "postgresql") -> str:
    """The server as a URL."""
    return f"{scheme}://{USER}@{PLACE}"


def failed(sentence: str) -> None:
    """A failure, after which the test goes on."""
    failures.append(sentence)
    print(sentence, file=sys.stderr, flush=True)


def check(what: str, got: object, wanted: object) -> None:
    """Equal."""
    global checks
    checks += 1
    if got != wanted:
        failed(f"{what}: wanted {wanted!r}, got {got!r}")


def holds(what: str, condition: object, got: object) -> None:
    """True of what came."""
    global checks
    checks += 1
    if not condition:
        failed(f"{what}: got {str(got)[:600]}")


def place_of(error: Exception) -> str:
    """The client's own line that led to an error."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == sys.modules["__main__"].__file__]
    return f", line {lines[-1]}" if lines else ""


@contextmanager
def part(what: str) -> Iterator[None]:
    """What raises in here is a failure of this part only."""
    try:
        yield
    except Exception as error:
        # What a library wraps says more than its wrapper.
        cause = getattr(error.__cause__ or error, "orig", error)
        failed(f"{what}{place_of(error)}: {type(error).__name__}: {' '.join(str(cause).split())[:600]}")


def asked(sql: str) -> str:
    """What psql answers."""
    return subprocess.run(["psql", "-XAtq", "-c", sql], capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def report(**more: object) -> int:
    """The last line and the exit code."""
    if failures:
        return 1
    print("ok", *(f"{name}={value}" for name, value in {"checks": checks, **more}.items()))
    return 0

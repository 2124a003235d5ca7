"""PostgreSQL beside `tt`: the same statements over the same rows, and every difference.

    python client.py [--statements N] [--seed N] [--all] [--only WORDS] [--report FILE]

The server's address comes from PGHOST, PGPORT, PGUSER and PGDATABASE; PostgreSQL is started from Debian's package
`postgresql`, with a copy of the server's tables. First come the statements of `cases/*.sql`, then generated ones
(`generate`). `--list` prints the statements and sends none.

A wrong answer, an answer where PostgreSQL refuses, or a lost connection fails the run. With `--all` so does a share of
refusals above the limit. A statement is tried by hand with the line that the report gives.
"""

import argparse
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cases
import compare
import generate
from generate.statement import Statement
from oracle import Copy, Oracle
from report import Report
from servers import Outcome, Server
from shrink import shrunk

REFUSED_SHARE_MAX = 0.02
BINARY_EVERY = 6
# Making examples small must not be what a run takes its time for.
SHRINK_SECONDS = 40


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--statements", type=int, help="how many to generate: 3000, or 20000 with --all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--all", action="store_true", help="the long run, which bounds refusals too")
    parser.add_argument("--only", default="", help="productions and files of cases whose name has one of these words, between commas")
    parser.add_argument("--report", type=Path, help="a file for all differences; the first ones are printed")
    parser.add_argument("--examples", type=int, default=2, help="differences printed of each kind and production")
    parser.add_argument("--postgres", help="a PostgreSQL that has the rows already, as a connection string")
    parser.add_argument("--list", action="store_true")
    chosen = parser.parse_args()
    chosen.statements = chosen.statements if chosen.statements is not None else 20_000 if chosen.all else 3_000
    return chosen


class Comparison:
    """Two servers, asked the same."""

    def __init__(self, server: str, oracle: str, shared: bool) -> None:
        # A PostgreSQL that others use must stay as it is.
        self.ours, self.theirs = Server(server), Server(oracle, read_only=shared)

    def ask(self, statement: Statement, binary: bool = False) -> tuple[Outcome, Outcome]:
        """What both say, at the same time."""
        self.ours.send(statement, binary)
        self.theirs.send(statement, binary)
        outcomes = self.ours.receive(), self.theirs.receive()
        self.ours.restore(statement)
        self.theirs.restore(statement)
        return outcomes

    def kind(self, statement: Statement, binary: bool = False) -> tuple[str | None, Outcome, Outcome]:
        """The difference, and what both said."""
        ours, theirs = self.ask(statement)
        if statement.wanted is not None:
            theirs = replace(
                theirs,
                state="",
                message="",
                names=ours.names,
                oids=ours.oids,
                rows=[tuple(cell.encode() for cell in row) for row in statement.wanted],
            )
        kind = compare.kind(ours, theirs, statement.only_outcome, statement.ordered)
        if binary and kind == "same" and not statement.only_outcome and not theirs.state:
            ours, theirs = self.ask(statement, binary=True)
            if ours.state != theirs.state or not compare.same_binary(ours, theirs, statement.ordered):
                kind = "refused" if ours.state == "0A000" else "wrong"
                ours, theirs = shown(ours), shown(theirs)
        if kind == "wrong" and any(listed.search(statement.sql) for listed in compare.LISTED):
            kind = "listed"
        return kind, ours, theirs


def shown(outcome: Outcome) -> Outcome:
    """A binary outcome with cells that a report can print."""
    rows = [tuple(cell and b"\\x" + cell.hex().encode() for cell in row) for row in outcome.rows]
    return replace(outcome, rows=rows, message=f"in binary: {outcome.message}")


def run(chosen: argparse.Namespace, comparison: Comparison, renew: Callable[[], bool]) -> Report:
    """All statements. One with other rows is asked again when a table was refreshed since it was copied."""
    report = Report(chosen.examples)
    everything = [*cases.statements(chosen.only), *generate.statements(chosen.seed, chosen.statements, chosen.only)]
    shrinking = 0.0
    try:
        for number, statement in enumerate(everything):
            shrinking = add(report, comparison, statement, number, renew, shrinking)
    except KeyboardInterrupt:
        report.interrupted = True
    return report


def add(report: Report, comparison: Comparison, statement: Statement, number: int, renew: Callable[[], bool], shrinking: float) -> float:
    """Asks one statement and reports it, made small if it is shown; the time that made examples small so far."""
    binary = number % BINARY_EVERY == 0 and not statement.setup and statement.wanted is None
    kind, ours, theirs = comparison.kind(statement, binary)
    if kind == "wrong" and renew():
        kind, ours, theirs = comparison.kind(statement, binary)
    if kind in ("wrong", "answered", "refused") and report.wants(statement.production, kind) and shrinking < SHRINK_SECONDS:
        began = time.monotonic()
        small = shrunk(statement, lambda one: comparison.kind(one)[0] == kind)
        if small is not statement:
            statement = small
            _, ours, theirs = comparison.kind(statement)
        shrinking += time.monotonic() - began
    report.add(statement, kind, ours, theirs)
    return shrinking


def main() -> int:
    """0 when nothing is wrong."""
    chosen = arguments()
    if chosen.list:
        counts: Counter = Counter()
        for statement in [*cases.statements(chosen.only), *generate.statements(chosen.seed, chosen.statements, chosen.only)]:
            counts[statement.production] += 1
            print(f"{statement.production}: {statement.text()}")
        print(*(f"{count:6} {name}" for name, count in sorted(counts.items())), sep="\n")
        return 0
    # The end of the time limit is an exit like any other: PostgreSQL is stopped, and what was found is told.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if chosen.postgres:
        report = run(chosen, Comparison("", chosen.postgres, shared=True), renew=lambda: False)
    else:
        with Oracle() as oracle:
            copy = Copy("", oracle.owner)
            report = run(chosen, Comparison("", oracle.conninfo, shared=False), copy.renew)
    if chosen.report:
        chosen.report.write_text(report.differences())
    print(report.examples())
    print(report.table())
    failed = report.interrupted or report.wrong() > 0 or (chosen.all and report.refused_share() > REFUSED_SHARE_MAX)
    print(report.summary())
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

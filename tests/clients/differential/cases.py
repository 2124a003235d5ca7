"""Statements written by hand, in `cases/*.sql`: one file for each area, one comment before each group.

A statement ends in a semicolon at the end of a line. Comments that mean something for the statement after them:

    -- zone: America/New_York          the session's time zone
    -- parameters: [["3", "int4"]]     values and types of $1, $2, ...; the type "" leaves it to the server
    -- ordered                         the order of the rows is compared
    -- outcome                         only whether there is an error is compared
    -- before: SQL                     sent before in the same session; may come several times
    -- postgres 16: [["31"]]           the rows of PostgreSQL 16, where an older one beside us answers otherwise
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from generate.statement import OIDS, UNTYPED, Statement


def statements(names: str = "") -> Iterator[Statement]:
    """Those of the files whose name has one of the words."""
    for path in sorted((Path(__file__).parent / "cases").glob("*.sql")):
        if names and not any(word in path.stem for word in names.split(",")):
            continue
        for text in re.split(r"(?m);$", path.read_text()):
            if statement := read(text, f"cases/{path.stem}"):
                yield statement


def read(text: str, production: str) -> Statement | None:
    """A statement with what its comments say."""
    settings: dict[str, object] = {"production": production, "setup": ()}
    lines = []
    for line in text.strip("\n").split("\n"):
        word, _, rest = line.removeprefix("-- ").partition(": ")
        if not line.startswith("--"):
            lines.append(line)
        elif word == "zone":
            settings["zone"] = rest
        elif word == "parameters":
            settings["parameters"] = tuple((value, OIDS[kind] if kind else UNTYPED) for value, kind in json.loads(rest))
        elif word == "ordered":
            settings["ordered"] = True
        elif word == "outcome":
            settings["only_outcome"] = True
        elif word == "before":
            settings["setup"] += (rest,)
        elif word == "postgres 16":
            settings["wanted"] = tuple(tuple(row) for row in json.loads(rest))
    sql = "\n".join(lines).strip()
    return Statement(sql, **settings) if sql else None

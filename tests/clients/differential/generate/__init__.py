"""Statements by a seed: each production in turn gives one that was not there before."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import replace

from . import literals
from .expressions import RULES
from .pick import Pick
from .statement import PRODUCTIONS, Statement

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

# Sessions in zones with summer time, half hours, and a day that was left out.
ZONES = ("America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "Asia/Tokyo", "America/Sao_Paulo", "Pacific/Apia")
SHARE_ZONED = 0.15
SHARE_WITH_PARAMETERS = 0.08
ATTEMPTS = 40


def statements(seed: int, count: int, names: str = "") -> Iterator[Statement]:
    """So many statements of the productions whose name has one of the words. A production that has no more to say is left out."""
    chosen = [name for name in PRODUCTIONS if not names or any(word in name for word in names.split(","))]
    picks = {name: Pick(f"{seed} {name}", RULES) for name in chosen}
    seen: set[tuple] = set()
    made = 0
    while chosen and made < count:
        for name in list(chosen):
            statement = another(name, picks[name], seen)
            if statement is None:
                chosen.remove(name)
                continue
            yield statement
            made += 1
            if made == count:
                return


def another(name: str, pick: Pick, seen: set[tuple]) -> Statement | None:
    """A statement that is not among those seen."""
    for _ in range(ATTEMPTS):
        made = PRODUCTIONS[name](pick)
        statement = made if isinstance(made, Statement) else Statement(made)
        statement = finished(pick, replace(statement, production=name))
        mark = (statement.sql, statement.parameters, statement.zone, statement.setup)
        if mark not in seen:
            seen.add(mark)
            return statement
    return None


def finished(pick: Pick, statement: Statement) -> Statement:
    """Constants written out, some as parameters, and in some cases a zone."""
    sql, values = statement.sql, statement.parameters
    if not values and pick.chance(SHARE_WITH_PARAMETERS):
        sql, values = literals.parameters(pick, sql, 0.5)
    zone = pick.one(ZONES) if statement.zone == "UTC" and pick.chance(SHARE_ZONED) else statement.zone
    return replace(statement, sql=literals.plain(sql), parameters=values, zone=zone)

"""A smaller statement with the same difference: items of lists and conjuncts are left out, and parentheses opened."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

from generate.statement import Statement

ATTEMPTS = 60
ENDS_ORDER = re.compile(r" (?:LIMIT|OFFSET|FETCH|ROWS|RANGE|GROUPS|WINDOW|UNION)\b")
DEPENDS_ON_ORDER = re.compile(r"LIMIT|FETCH|OFFSET|DISTINCT ON|_agg\(|OVER|row_number")
TOKEN = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|\w+|\s+|::|.", re.S)


def shrunk(statement: Statement, same: Callable[[Statement], bool]) -> Statement:
    """The smallest found in a number of attempts. Statements with several parts, and those about the catalog, stay as they are."""
    if statement.setup or statement.parameters or statement.wanted or "pg_" in statement.sql:
        return statement
    attempts = 0
    progress = True
    while progress and attempts < ATTEMPTS:
        progress = False
        for sql in smaller(statement.sql):
            attempts += 1
            candidate = replace(statement, sql=sql)
            if keeps_order(statement, sql) and same(candidate):
                statement, progress = candidate, True
                break
            if attempts >= ATTEMPTS:
                break
    return statement


def keeps_order(statement: Statement, sql: str) -> bool:
    """Whether the rows are as determined as before: no ORDER BY has lost a part, and where order counts nothing around it."""
    before, after = Counter(orders(statement.sql)), Counter(orders(sql))
    if not after <= before:
        return False
    if not (statement.ordered or DEPENDS_ON_ORDER.search(sql)):
        return True
    return after == before and statement.sql.count("WHERE") == sql.count("WHERE")


def orders(sql: str) -> Iterator[str]:
    """Every ORDER BY to its end."""
    for found in re.finditer("ORDER BY", sql):
        depth, end = 0, found.end()
        while end < len(sql) and depth >= 0 and not (depth == 0 and ENDS_ORDER.match(sql, end)):
            depth += (sql[end] == "(") - (sql[end] == ")")
            end += 1
        yield sql[found.start() : end]


def smaller(sql: str) -> Iterator[str]:
    """Texts with one part less, the largest parts first."""
    tokens = TOKEN.findall(sql)
    cuts = sorted({cut for cut in parts(tokens) if cut[1] > cut[0]}, key=lambda cut: cut[0] - cut[1])
    for start, end in cuts:
        yield "".join(tokens[:start] + tokens[end:])


def parts(tokens: list[str]) -> Iterator[tuple[int, int]]:
    """Items of lists with a comma, conjuncts with their word, conditions, orders, and operators with what follows."""
    opened: list[list[int]] = [[0]]
    for place, token in enumerate([*tokens, ")"]):
        if token in "([" and token:
            opened.append([place + 1])
        elif token == "," or token.upper() in ("AND", "OR", "WHERE", "ORDER", "GROUP", "HAVING", "LIMIT", "UNION"):
            opened[-1].append(place)
        elif token in (")", "]") and opened:
            marks = [*opened.pop(), place]
            # An item goes with the comma or word before it, the first one with the comma after it.
            yield from zip(marks[1:], marks[2:], strict=False)
            if len(marks) > 2 and marks[1] < len(tokens) and tokens[marks[1]] == ",":
                start = marks[0]
                while start < marks[1] and (tokens[start].isspace() or tokens[start].upper() in ("SELECT", "DISTINCT", "VALUES")):
                    start += 1
                yield start, marks[1] + 1
            if not opened:
                return

"""What graphical tools send when they start, word for word, with the rows they get compared with recorded ones.

    pip install -r ../psycopg_pypi/requirements.txt
    python client.py [--record] [TOOL...]   # the server's address comes from PGHOST, PGPORT, PGUSER and PGDATABASE

One file per tool, `TOOL-VERSION.sql`: statements that end in a semicolon at the end of a line, each with comment lines
before it that say what it is for. These comments mean something:

    -- protocol: simple|extended     of all that follow; a tool with prepared statements has the latter
    -- parameters: [...]             values of $1, $2, ...
    -- vary: a, b                    columns whose values are another each time; only NULL or not is compared
    -- any: a, b                     columns whose values come and go, such as rows of a table that has just begun
    -- some                          more rows than those recorded may come between them: the catalog grows

Where the outermost query has no ORDER BY, the order of the rows is not promised and not compared.

`{oid:public.eod}` is the number of that relation. `TOOL-VERSION.expected` holds columns with types, and rows. With
`--record` it is written anew: read what changed before you believe it.
"""

import json
import re
import sys
from pathlib import Path

import psycopg

HERE = Path(__file__).parent
ROWS_RECORDED = 25


class Statement:
    """One statement with what its comments say."""

    def __init__(self, text: str, protocol: str) -> None:
        self.what, self.parameters, self.vary, self.any, self.some, self.protocol = "", None, set(), set(), False, protocol
        lines = []
        for line in text.strip().splitlines():
            if not lines and line.startswith("--"):
                self.comment(line[2:].strip())
            else:
                lines.append(line)
        self.sql = "\n".join(lines).strip().removesuffix(";")

    def comment(self, line: str) -> None:
        key, _, value = line.partition(":")
        match key.strip():
            case "protocol":
                self.protocol = value.strip()
            case "parameters":
                self.parameters = json.loads(value)
            case "any":
                self.any = {name.strip() for name in value.split(",")}
            case "vary":
                self.vary = {name.strip() for name in value.split(",")}
            case "some":
                self.some = True
            case _:
                self.what = self.what or line


def ordered(sql: str) -> bool:
    """Whether the outermost query has an ORDER BY: one that stands in no parentheses, text or comment."""
    bare = re.sub(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", " ", sql, flags=re.DOTALL)
    while (inner := re.sub(r"\([^()]*\)", " ", bare)) != bare:
        bare = inner
    return re.search(r"\border\s+by\b", bare, re.IGNORECASE) is not None


def statements(path: Path) -> list[Statement]:
    """The statements of a file."""
    found, protocol = [], "simple"
    for text in re.split(r";[ \t]*\n", path.read_text() + "\n"):
        if text.strip():
            statement = Statement(text, protocol)
            protocol = statement.protocol
            if statement.sql:
                found.append(statement)
    return found


def run(connection: psycopg.Connection, statement: Statement, names: dict[int, str]) -> list[str]:
    """Columns and rows as lines."""
    numbers = re.findall(r"\{oid:([\w.]+)\}", statement.sql)
    sql = statement.sql
    for name in numbers:
        number = connection.execute("SELECT to_regclass($1)::oid", [name]).fetchone()[0]
        sql = sql.replace("{oid:" + name + "}", str(number))
    if statement.protocol == "simple":
        cursor = psycopg.ClientCursor(connection)
        cursor.execute(sql)
    else:
        cursor = psycopg.RawCursor(connection)
        cursor.execute(sql, statement.parameters or [], prepare=True)
    if cursor.description is None:
        return [cursor.statusmessage or ""]
    columns = [column.name for column in cursor.description]
    kinds = [names.get(column.type_code, str(column.type_code)) for column in cursor.description]
    lines = [" | ".join(f"{name} {kind}" for name, kind in zip(columns, kinds, strict=True))]
    result = cursor.pgresult
    for row in range(result.ntuples):
        cells = []
        for place, name in enumerate(columns):
            value = result.get_value(row, place)
            varies = name in statement.vary
            text = "?" if name in statement.any else "NULL" if value is None else "*" if varies else value.decode()
            cells.append(text.replace("\\", "\\\\").replace("\n", "\\n"))
        lines.append(" | ".join(cells))
    return lines


def differs(statement: Statement, wanted: list[str], got: list[str]) -> str | None:
    """What is not as recorded."""
    if not statement.some:
        if not ordered(statement.sql):
            wanted, got = wanted[:1] + sorted(wanted[1:]), got[:1] + sorted(got[1:])
        for number, (one, other) in enumerate(zip(wanted, got, strict=False)):
            if one != other:
                return f"line {number}: wanted\n    {one}\n  got\n    {other}"
        return None if len(wanted) == len(got) else f"wanted {len(wanted) - 1} rows, got {len(got) - 1}: {got[len(wanted):][:1]}"
    if wanted[:1] != got[:1]:
        return f"columns: wanted\n    {wanted[:1]}\n  got\n    {got[:1]}"
    missing = [line for line in wanted if line not in set(got)]
    return f"no row\n    {missing[0]}" if missing else None


def recorded(path: Path) -> list[list[str]]:
    """Lines by statement."""
    blocks = re.split(r"(?m)^## .*\n", path.read_text())[1:]
    return [[line for line in block.split("\n") if line] for block in blocks]


def check_tool(path: Path, record: bool) -> int:
    """All statements of a tool, in one connection as the tool has it; the number of statements."""
    found = statements(path)
    expected = path.with_suffix(".expected")
    wanted = [] if record else recorded(expected)
    if not record and len(wanted) != len(found):
        raise AssertionError(f"{path.name} has {len(found)} statements, {expected.name} has {len(wanted)}")
    written, failures = [], []
    with psycopg.connect(autocommit=True, cursor_factory=psycopg.RawCursor) as connection:
        names = dict(connection.execute("SELECT oid, typname FROM pg_type").fetchall())
        for number, statement in enumerate(found):
            try:
                lines = run(connection, statement, names)
            except psycopg.Error as error:
                failures.append(f"{path.stem} {number + 1} ({statement.what}): {error.sqlstate} {error}\n{statement.sql[:600]}")
                continue
            if record:
                kept = lines if not statement.some else lines[: ROWS_RECORDED + 1]
                written.append(f"## {number + 1} {statement.what}\n" + "\n".join(kept) + "\n")
            elif problem := differs(statement, wanted[number], lines):
                failures.append(f"{path.stem} {number + 1} ({statement.what}): {problem}")
    if failures:
        raise AssertionError("\n\n".join(failures))
    if record:
        expected.write_text("".join(written))
    return len(found)


def main() -> int:
    """All tools, or those named."""
    record = "--record" in sys.argv
    chosen = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    counts, failures = {}, []
    for path in sorted(HERE.glob("*.sql")):
        if chosen and not any(word in path.stem for word in chosen):
            continue
        try:
            counts[path.stem] = check_tool(path, record)
        except AssertionError as failure:
            failures.append(str(failure))
    print("\n\n".join(failures), file=sys.stderr)
    if not failures:
        print("ok", *(f"{tool}={count}" for tool, count in counts.items()))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

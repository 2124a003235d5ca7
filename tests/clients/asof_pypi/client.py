"""As-of joins of random rows beside DuckDB and pandas.

The expected match of a row is found by looking at all rows of the other table (a correlated query in DuckDB), for every
operator and spelling, with keys that repeat or are NULL, equal times, NULL, NaN and negative zero. Where times are unique,
DuckDB's own ASOF JOIN and pandas' merge_asof must agree too.
"""

import random

import duckdb
import pandas as pd
import psycopg

TYPES = {
    "bigint": lambda number: str(number),
    "timestamp": lambda number: f"timestamp '2026-11-27 00:00:00' + interval '{number} seconds'",
    "timestamptz": lambda number: f"timestamptz '2026-11-27 00:00:00+00' + interval '{number} seconds'",
    "date": lambda number: f"date '2026-01-01' + {number}",
    "float8": lambda number: ["'NaN'::float8", "'-0'::float8", "'0'::float8"][number % 3] if number < 3 else f"{number}::float8",
    "numeric(12,3)": lambda number: f"({number} / 4.0)::numeric(12,3)",
    "text": lambda number: f"'{number:03}'",
}
KEYS = {"text": lambda number: f"'k{number}'", "bigint": str, "float8": lambda number: ["'-0'::float8", "'0'::float8", "'NaN'::float8", "1.5::float8"][number % 4]}
TURNED = {">=": "<=", ">": "<", "<=": ">=", "<": ">"}


def values(rows, key_type, time_type):
    """The rows as a VALUES list that both systems read."""
    key, time = KEYS[key_type], TYPES[time_type]
    shown = [
        f"(({'NULL' if k is None else key(k)})::{key_type}, ({'NULL' if t is None else time(t)})::{time_type}, {n})"
        for k, t, n in rows
    ]
    return "(VALUES " + ", ".join(shown) + ")"


def rows(chance, count, keys, times):
    pick = lambda bound: None if chance.random() < 0.08 else chance.randrange(bound)
    return [(pick(keys), pick(times), number) for number in range(count)]


def brute(a, b, keyed, op, bound, doubles):
    """The match of each row of a by looking at all rows of b; `doubles` are columns that may be NaN."""
    order = "DESC" if op in (">=", ">") else "ASC"
    conditions = [f"b.t {TURNED[op]} a.t"] + ["b.k = a.k"] * keyed
    conditions += [f"NOT isnan({side}.{column})" for column in doubles for side in "ab"]
    found = f"SELECT b.t, b.n FROM {b} b(k, t, n) WHERE {' AND '.join(conditions)} ORDER BY b.t {order}, b.k DESC NULLS LAST, b.n DESC LIMIT 1"
    within = "true" if bound is None else bound.replace("b.t", "m.t")
    return f"SELECT a.n, CASE WHEN {within} THEN m.n END FROM {a} a(k, t, n) LEFT JOIN LATERAL ({found}) m ON true ORDER BY 1"


def spellings(keyed, op, bound):
    """Each spelling of the join, and whether left rows without a match stay."""
    equal = ["a.k = b.k"] if keyed else []
    near = [bound] if bound else []
    on = lambda conditions: " ON " + " AND ".join(conditions) if conditions else ""
    matched = f"MATCH_CONDITION (a.t {op} b.t)"
    yield f"ASOF JOIN {{b}} {matched}{on(equal + near)}", True
    yield f"INNER ASOF JOIN {{b}} {matched}{on(near + equal)}", False
    yield f"LEFT ASOF JOIN {{b}} {matched}{on(equal + near)}", True
    if not bound:
        yield f"ASOF JOIN {{b}}{on(equal + [f'a.t {op} b.t'])}", False
        yield f"ASOF LEFT JOIN {{b}}{on([f'b.t {TURNED[op]} a.t'] + equal)}", True
        if keyed:
            yield f"ASOF JOIN {{b}} {matched} USING (k)", True
        if op == ">=":
            yield f"ASOF JOIN {{b}} USING ({'k, t' if keyed else 't'})", False


def main():
    chance = random.Random(20261129)
    duck = duckdb.connect()
    duck.execute("SET TimeZone = 'UTC'")
    compared = 0
    with psycopg.connect("", autocommit=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        ask = lambda sql: [tuple(row) for row in connection.execute(sql.encode()).fetchall()]
        for round_ in range(84):
            time_type = list(TYPES)[round_ % len(TYPES)]
            key_type = list(KEYS)[round_ % len(KEYS)]
            keyed, op = round_ % 5 != 0, [">=", ">", "<=", "<"][round_ % 4]
            # Without a key it is a column that settles ties, and there the systems order the two zeros differently.
            key_type = key_type if keyed else "bigint"
            left = rows(chance, chance.randrange(1, 40), 4, 30)
            right = rows(chance, chance.randrange(1, 60), 4, 30)
            # Of equal times the last by all columns in their order is matched: by k and n.
            a, b = values(left, key_type, time_type), values(right, key_type, time_type)
            bound = None
            if time_type in ("bigint", "timestamp") and round_ % 3 == 0:
                span = "3" if time_type == "bigint" else "interval '3 seconds'"
                bound = f"b.t >= a.t - {span}" if op in (">=", ">") else f"b.t <= a.t + {span}"
            doubles = ["t"] * (time_type == "float8") + ["k"] * (keyed and key_type == "float8")
            wanted = duck.execute(brute(a, b, keyed, op, bound, doubles)).fetchall()
            for spelling, keeps in spellings(keyed, op, bound):
                sql = f"SELECT a.n, b.n FROM {a} a(k, t, n) {spelling.format(b=f'{b} b(k, t, n)')} ORDER BY 1"
                expected = [row for row in wanted if keeps or row[1] is not None]
                found = ask(sql)
                assert found == expected, f"{time_type}, {key_type}: {spelling}\n{found}\n{expected}\n{sql}"
                compared += 1
        for round_ in range(40):
            op, keyed = [">=", ">", "<=", "<"][round_ % 4], True
            times = chance.sample(range(500), 60)
            left = [(chance.randrange(4), t, n) for n, t in enumerate(times[:30])]
            right = [(chance.randrange(4), t, n) for n, t in enumerate(times[30:])]
            a, b = values(left, "text", "timestamp"), values(right, "text", "timestamp")
            join = f"FROM {a} a(k, t, n) ASOF LEFT JOIN {b} b(k, t, n) ON a.k = b.k AND a.t {op} b.t ORDER BY 1"
            found = ask(f"SELECT a.n, b.n {join}")
            assert found == duck.execute(f"SELECT a.n, b.n {join}").fetchall(), join
            frame = lambda rows: pd.DataFrame(rows, columns=["k", "t", "n"]).sort_values("t")
            direction = "backward" if op in (">=", ">") else "forward"
            merged = pd.merge_asof(frame(left), frame(right), on="t", by="k", direction=direction, allow_exact_matches="=" in op)
            pairs = sorted((int(row.n_x), None if pd.isna(row.n_y) else int(row.n_y)) for row in merged.itertuples())
            assert found == pairs, join
            compared += 2
    print(f"{compared} as-of joins agree")


if __name__ == "__main__":
    main()

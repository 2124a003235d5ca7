"""The lake read with the PyPI client `deltalake`, against the same questions over the Postgres wire.

    pip install -r requirements.txt
    python client.py DATA_DIRECTORY        # the server's address comes from PGHOST, PGPORT, PGUSER and PGDATABASE

Passes when both give the same rows of `eod`, `symbols` and `market_metrics`. Prints `ok` and row counts.
"""

import sys

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable


def check(what: str, lake: object, server: object) -> None:
    """Fails with a sentence, also under `python -O`."""
    if lake != server:
        raise AssertionError(f"{what}: {lake!r} in the lake, {server!r} from the server")


def close(what: str, lake: float, server: float) -> None:
    """The same for sums of doubles, whose order may differ."""
    if abs(lake - server) > 1e-9 * max(abs(lake), abs(server)):
        raise AssertionError(f"{what}: {lake!r} in the lake, {server!r} from the server")


def main() -> int:
    """Compares the tables of the directory on the command line."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 1

    def open_table(name: str) -> tuple[DeltaTable, pa.Table]:
        table = DeltaTable(f"{sys.argv[1]}/lake/{name}")
        return table, table.to_pyarrow_table()

    with psycopg.connect(autocommit=True) as server:

        def row(sql: str) -> tuple:
            found = server.execute(sql).fetchone()
            assert found is not None
            return found

        table, eod = open_table("eod")
        bounds = pc.min_max(eod["date"])
        count, first, last, volume, close_sum, closes = row(
            "select count(*), min(date), max(date), sum(volume)::bigint, sum(close), count(close) from eod"
        )
        check("rows of eod", eod.num_rows, count)
        check("dates of eod", (bounds["min"].as_py(), bounds["max"].as_py()), (first, last))
        check("volume of eod", pc.sum(eod["volume"]).as_py(), volume)
        check("closes of eod", eod.num_rows - eod["close"].null_count, closes)
        close("sum of closes", pc.sum(eod["close"]).as_py(), close_sum)
        check("NaN closes of eod", pc.sum(pc.is_nan(eod["close"])).as_py(), 0)
        check("version of eod", (table.version(),), row("select version from system.freshness where dataset = 'eod'"))
        check("name of eod", table.metadata().name, "eod")

        _, symbols = open_table("symbols")
        check("type of lists", symbols.schema.field("lists").type, pa.list_(pa.field("element", pa.string())))
        members = [row["symbol"] for row in symbols.select(["symbol", "lists"]).to_pylist() if "sp500" in row["lists"]]
        rows = server.execute("select symbol from symbols where 'sp500' = any(lists) order by symbol").fetchall()
        check("members of the S&P 500", sorted(members), [symbol for (symbol,) in rows])
        check("their number", len(members), 503)

        _, metrics = open_table("market_metrics")
        rows = server.execute(
            "select symbol, iv_rank, market_cap, earnings_expected_date, updated_at from market_metrics order by symbol"
        ).fetchall()
        columns = ["symbol", "iv_rank", "market_cap", "earnings_expected_date", "updated_at"]
        held = [tuple(row.values()) for row in metrics.select(columns).sort_by("symbol").to_pylist()]
        check("market_metrics", held, rows)

        for name in ("calendar", "option_chains", "dividends", "earnings", "expirations", "returns_stddev"):
            check(f"rows of {name}", (open_table(name)[1].num_rows,), row(f"select count(*) from {name}"))
    print(f"ok eod={eod.num_rows} symbols={symbols.num_rows} market_metrics={metrics.num_rows}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""sqlacodegen: the models it writes of the tables, of live tables and of views, as declarative classes, dataclasses and tables."""

import subprocess
import sys
import types
from datetime import date
from pathlib import Path

from checks import address, check, part, report
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session

URL = address("postgresql+psycopg")


def written(*arguments: str) -> types.ModuleType:
    """What it writes, as a module; its text is `text`."""
    program = Path(sys.executable).with_name("sqlacodegen")
    done = subprocess.run([program, *arguments, URL], capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-600:])
    module = types.ModuleType("models")
    sys.modules["models"] = module
    exec(compile(done.stdout, "models.py", "exec"), module.__dict__)
    module.text = done.stdout
    return module


def main() -> int:
    """All checks."""
    engine = create_engine(URL)
    with part("declarative"):
        models = written()
        names = {mapper.class_.__tablename__ for mapper in models.Base.registry.mappers}
        check("tables that are missing", {"eod", "symbols", "quotes", "option_chains", "market_metrics", "calendar"} - names - set(models.Base.metadata.tables), set())
        for line in (
            "class Eod(Base):", "PrimaryKeyConstraint('symbol', 'date', name='eod_pkey')", "symbol: Mapped[str] = mapped_column(Text, primary_key=True",
            "close: Mapped[Optional[float]] = mapped_column(Double(53)", "volume: Mapped[Optional[int]] = mapped_column(BigInteger",
            "fetched_at: Mapped[datetime.datetime] = mapped_column(DateTime(True), nullable=False", "lists: Mapped[Optional[list[str]]] = mapped_column(ARRAY(Text()",
        ):  # fmt: skip
            check(f"it writes {line}", line in models.text, True)
        check("comment", "the daily bar" in (models.Eod.__table__.comment or ""), True)
        check("views", any(name.endswith("movers") for name in models.Base.metadata.tables), True)
        with Session(engine) as session:
            one = session.get(models.Eod, ("AAPL", date(2026, 11, 2)))
            check("a row by key", (one.symbol, type(one.close), type(one.volume)), ("AAPL", float, int))
            check("lists", session.get(models.Symbols, "SPY").lists, ["etf"])
            n = session.scalar(select(func.count()).select_from(models.Eod).where(models.Eod.symbol == "AAPL"))
            check("bars", len(session.scalars(select(models.Eod).where(models.Eod.symbol == "AAPL").order_by(models.Eod.date)).all()), n)
            joined = session.execute(select(models.Eod.date, models.Symbols.description).join(models.Symbols, models.Symbols.symbol == models.Eod.symbol).where(models.Eod.symbol == "AAPL").limit(2)).all()
            check("joined", [row.description for row in joined], ["APPLE INC."] * 2)

    with part("dataclasses"):
        models = written("--generator", "dataclasses", "--tables", "eod,symbols", "--noviews")
        check("classes", sorted(mapper.class_.__name__ for mapper in models.Base.registry.mappers), ["Eod", "Symbols"])
        check("dataclasses", "MappedAsDataclass" in models.text, True)

    with part("tables"):
        models = written("--generator", "tables", "--schemas", "live,system")
        check("schemas", {table.schema for table in models.metadata.tables.values()}, {"live", "system"})
        check("live tables", {table.name for table in models.metadata.tables.values() if table.schema == "live"}, {"greeks", "quotes", "summaries", "time_and_sales", "trades"})

    engine.dispose()
    return report()


if __name__ == "__main__":
    sys.exit(main())

"""Daily bars as MetaStock text files, seeded."""

import datetime
import random
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Bars:
    """What was written: of how many symbols, how many rows, and the volume of them all."""

    symbols: int
    rows: int
    volume: int


def symbol_of(prefix: str, number: int) -> str:
    """A symbol that no list has."""
    return f"{prefix}{number:04d}X"


def write(folder: Path, prefix: str, symbols: int, days: int, seed: int) -> Bars:
    """One file a symbol, of so many weekdays that end with 2024."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(seed)
    dates, day = [], datetime.date(2024, 12, 31)
    while len(dates) < days:
        if day.weekday() < 5:
            dates.append(day.strftime("%Y%m%d"))
        day -= datetime.timedelta(1)
    total = 0
    for number in range(symbols):
        symbol, price, lines = symbol_of(prefix, number), chance.uniform(5, 500), []
        for date in reversed(dates):
            close, volume = price * chance.uniform(0.97, 1.03), chance.randrange(10**4, 10**7)
            high, low = max(price, close) * 1.004, min(price, close) * 0.996
            lines.append(f"{symbol},D,{date},000000,{price:.2f},{high:.2f},{low:.2f},{close:.2f},{volume},0\n")
            price, total = close, total + volume
        (folder / f"{symbol}.txt").write_text("".join(lines))
    return Bars(symbols, symbols * days, total)

"""Counts of differences by production, and examples of each."""

import re
from collections import Counter, defaultdict

from compare import KINDS, WRONG
from generate.statement import Statement
from servers import Outcome


class Report:
    """What was found so far; `shown` examples of each kind of difference of each production are printed."""

    def __init__(self, shown: int) -> None:
        self.shown = shown
        self.interrupted = False
        self.counts: dict[str, Counter] = defaultdict(Counter)
        self.found: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.refusals: Counter = Counter()

    def wants(self, production: str, kind: str) -> bool:
        """Whether another example will be printed: such a one is worth being made small."""
        return len(self.found[production, kind]) < self.shown

    def add(self, statement: Statement, kind: str | None, ours: Outcome, theirs: Outcome) -> None:
        """Counts a statement; `kind` is None when PostgreSQL had no answer."""
        self.counts[statement.production]["statements"] += 1
        if kind is None:
            return
        self.counts[statement.production][kind] += 1
        if not theirs.state:
            self.counts[statement.production]["answers"] += 1
        if kind == "refused":
            self.refusals[f"{ours.state} {message_kind(ours.message)}"] += 1
        if kind == "same":
            return
        if kind == "type":
            difference = f"types {ours.oids}, PostgreSQL {theirs.oids}"
        elif kind == "name":
            difference = f"names {ours.names}, PostgreSQL {theirs.names}"
        else:
            difference = f"ours       {ours.text()}\n    PostgreSQL {theirs.text()}"
        self.found[statement.production, kind].append(f"{statement.text()}\n    {difference}")

    def table(self) -> str:
        """A line for each production."""
        lines = [" ".join([f"{'':40}", *(f"{name:>10}" for name in ("statements", *KINDS))])]
        total: Counter = Counter()
        for production, counts in sorted(self.counts.items()):
            total.update(counts)
            lines.append(" ".join([f"{production:40}", *(f"{counts[name] or '':>10}" for name in ("statements", *KINDS))]))
        lines.append(" ".join([f"{'':40}", *(f"{total[name]:>10}" for name in ("statements", *KINDS))]))
        return "\n".join(lines)

    def examples(self) -> str:
        """The first of each kind of difference of each production, and the commonest refusals."""
        blocks = []
        for (production, kind), found in sorted(self.found.items(), key=lambda entry: (KINDS.index(entry[0][1]), entry[0][0])):
            for text in sorted(found[: self.shown], key=len):
                blocks.append(f"{kind} {production}: {text}")
        if self.refusals:
            blocks.append("refused most:\n" + "\n".join(f"    {count:5} {text}" for text, count in self.refusals.most_common(40)))
        return "\n".join(blocks) + "\n"

    def differences(self) -> str:
        """All of them."""
        blocks = []
        for (production, kind), found in sorted(self.found.items(), key=lambda entry: (KINDS.index(entry[0][1]), entry[0][0])):
            blocks += [f"{kind} {production}: {text}" for text in found]
        refusals = "\n".join(f"{count:5} {text}" for text, count in self.refusals.most_common())
        return "\n".join([*blocks, "", refusals, "", self.table(), self.summary(), ""])

    def total(self, *names: str) -> int:
        """The sum of these columns."""
        return sum(counts[name] for counts in self.counts.values() for name in names)

    def wrong(self) -> int:
        """How many must not be."""
        return self.total(*WRONG)

    def refused_share(self) -> float:
        """Of those that PostgreSQL answers."""
        return self.total("refused") / max(1, self.total("answers"))

    def summary(self) -> str:
        """One line."""
        counts = " ".join(f"{name}={self.total(name)}" for name in KINDS)
        end = " INTERRUPTED" if self.interrupted else ""
        return f"statements={self.total('statements')} {counts} refused_share={self.refused_share():.4f}{end}"


def message_kind(message: str) -> str:
    """A message without the names and numbers in it."""
    return re.sub(r"\d+", "N", re.sub(r"\"[^\"]*\"|'[^']*'|\([^)]*\)|`[^`]*`", "_", message))[:110]

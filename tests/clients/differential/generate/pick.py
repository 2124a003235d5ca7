"""Choices by a seed, and texts by a grammar: `{name}` in a template becomes one of the templates of that name."""

import random
import re
from collections.abc import Mapping, Sequence

Rules = Mapping[str, Sequence[str]]
NAME = re.compile(r"\{([a-z_0-9]+)\}")
DEPTH = 24


class Pick:
    """A source of choices. `rules` are the grammar's own names, which every template may use."""

    def __init__(self, seed: str, rules: Rules) -> None:
        self.random = random.Random(seed)
        self.rules = rules

    def one(self, options: Sequence) -> object:
        """Any of them."""
        return self.random.choice(options)

    def chance(self, share: float) -> bool:
        """True in this share of the cases."""
        return self.random.random() < share

    def number(self, least: int, most: int) -> int:
        """A whole number, both ends included."""
        return self.random.randint(least, most)

    def some(self, options: Sequence, least: int, most: int) -> list:
        """A few different ones, in any order."""
        return self.random.sample(options, min(len(options), self.number(least, most)))

    def fill(self, template: str, rules: Rules | None = None, depth: int = 0) -> str:
        """The template with every name of a rule replaced, as deep as names lead. Other braces stay: they are arrays.

        `{2_name}` is one choice of `name` for all its places in this template: the number tells choices apart.
        """
        known = {**self.rules, **(rules or {})}
        chosen: dict[str, str] = {}

        def choose(found: re.Match) -> str:
            name = found[1]
            plain = re.sub(r"^\d_", "", name)
            if plain not in known:
                return found[0]
            if name in chosen:
                return chosen[name]
            options = known[plain]
            if depth > 2:
                # Deep down, what ends the text is taken.
                options = [option for option in options if not NAME.search(option)] or options
            if depth > DEPTH:
                raise RecursionError(f"the rule {plain} has no end")
            text = self.fill(self.one(options), rules, depth + 1)
            if plain != name:
                chosen[name] = text
            return text

        return NAME.sub(choose, template)

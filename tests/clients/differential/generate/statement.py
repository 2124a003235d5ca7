"""What is sent to both servers, and the list of productions that make it."""

from collections.abc import Callable
from dataclasses import dataclass

from .pick import Pick

# Parameters beside this type are described by the server.
UNTYPED = 0
OIDS = {
    "bool": 16, "int2": 21, "int4": 23, "int8": 20, "float4": 700, "float8": 701, "numeric": 1700, "text": 25, "date": 1082,
    "timestamp": 1114, "timestamptz": 1184, "time": 1083, "interval": 1186, "int4[]": 1007, "int8[]": 1016, "float8[]": 1022,
    "text[]": 1009, "date[]": 1182, "jsonb": 3802, "json": 114, "bytea": 17,
}  # fmt: skip


@dataclass(frozen=True)
class Statement:
    """SQL with the values of `$1`, `$2`, ... as text and their type oids.

    `setup` runs before in the same session, `changes` says that the statement itself changes the session. With `ordered` the
    rows are compared in their order, with `only_outcome` not at all: only whether there was an error. `wanted` are the rows
    of PostgreSQL 16 where an older one beside us has others.
    """

    sql: str
    parameters: tuple[tuple[str | None, int], ...] = ()
    zone: str = "UTC"
    setup: tuple[str, ...] = ()
    changes: bool = False
    ordered: bool = False
    only_outcome: bool = False
    wanted: tuple[tuple[str, ...], ...] | None = None
    production: str = ""

    def text(self) -> str:
        """All of it on one line, to be tried by hand."""
        parts = [f"SET timezone = '{self.zone}';"] if self.zone != "UTC" else []
        parts += [f"{sql};" for sql in self.setup] + [self.sql.replace("\n", "\\n")]
        names = {oid: name for name, oid in OIDS.items()} | {UNTYPED: "untyped"}
        if self.parameters:
            parts.append("-- " + ", ".join(f"${n} = {value!r} {names.get(oid, oid)}" for n, (value, oid) in enumerate(self.parameters, 1)))
        return " ".join(parts)


Production = Callable[[Pick], "Statement | str"]
PRODUCTIONS: dict[str, Production] = {}


def production(make: Production) -> Production:
    """Enters a function into the list under its name."""
    if make.__name__ in PRODUCTIONS:
        raise ValueError(f"two productions are named {make.__name__}")
    PRODUCTIONS[make.__name__] = make
    return make

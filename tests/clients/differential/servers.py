"""A connection that statements are sent over, and what came of one: rows with their types, or an error."""

import select
import time
from dataclasses import dataclass, field

import psycopg
from psycopg import pq

SECONDS_PER_STATEMENT = 20
FLOAT8 = 701


@dataclass
class Outcome:
    """`state` is empty for rows; `lost` is a connection that ended, or no answer in time."""

    names: list[str] = field(default_factory=list)
    oids: list[int] = field(default_factory=list)
    rows: list[tuple[bytes | None, ...]] = field(default_factory=list)
    state: str = ""
    message: str = ""

    def text(self, rows: int = 6) -> str:
        """One line for a report."""
        if self.state:
            return f"{self.state} {self.message}"
        if not self.rows:
            return "(no rows)"
        shown = ["|".join("NULL" if cell is None else cell.decode(errors="replace") for cell in row) for row in self.rows]
        rest = f"  ... {len(shown)} rows" if len(shown) > rows else ""
        return "  ".join(shown[:rows]).replace("\n", "\\n")[:400] + rest


class Server:
    """One connection to one server. It is made again when it is lost."""

    def __init__(self, conninfo: str, read_only: bool = False) -> None:
        # Given at the start of the session, it is not undone by RESET.
        self.conninfo = f"{conninfo} options='-c default_transaction_read_only=on'" if read_only else conninfo
        self.connection = None
        self.losses = 0
        self.connect()

    def connect(self) -> None:
        """A fresh session in UTC; waits a little for a server that is busy."""
        deadline = time.monotonic() + 10
        while True:
            self.connection = pq.PGconn.connect(self.conninfo.encode())
            if self.connection.status == pq.ConnStatus.OK:
                break
            if time.monotonic() > deadline:
                raise SystemExit(f"the server is gone: {self.connection.error_message.decode().strip()}")
            time.sleep(0.2)
        self.zone = "UTC"
        for setting in ("timezone = 'UTC'", "statement_timeout = '15s'"):
            self.connection.exec_(f"SET {setting}".encode())

    def send(self, statement: "Statement", binary: bool = False) -> None:  # noqa: F821
        """Prepares the session, and sends without waiting; `receive` gives the outcome."""
        self.early = None
        before = [] if statement.zone == self.zone else [f"SET timezone = '{statement.zone}'"]
        for sql in [*before, *statement.setup]:
            self.connection.send_query(sql.encode())
            outcome = self.receive()
            if outcome.state:
                self.early = outcome
                return
        self.zone = statement.zone
        if statement.parameters or binary:
            values = [None if value is None else value.encode() for value, _ in statement.parameters]
            self.connection.send_query_params(statement.sql.encode(), values, [oid for _, oid in statement.parameters], None, int(binary))
        else:
            self.connection.send_query(statement.sql.encode())

    def receive(self) -> Outcome:
        """The outcome of the last result of what was sent."""
        if self.early:
            return self.early
        outcome = Outcome()
        deadline = time.monotonic() + SECONDS_PER_STATEMENT
        try:
            self.flush(deadline)
            while True:
                while self.connection.is_busy():
                    self.wait(deadline, reading=True)
                    self.connection.consume_input()
                result = self.connection.get_result()
                if result is None:
                    return outcome
                if outcome.rows and result.status == pq.ExecStatus.COMMAND_OK:
                    # The end of a COPY, after its lines.
                    continue
                outcome = self.copied(deadline) if result.status == pq.ExecStatus.COPY_OUT else read(result)
                if self.connection.status != pq.ConnStatus.OK:
                    raise ConnectionError(outcome.message)
        except (OSError, psycopg.OperationalError) as error:
            self.losses += 1
            if isinstance(error, TimeoutError):
                self.connection.get_cancel().cancel()
            self.connection.finish()
            self.connect()
            return Outcome(state="lost", message=f"{type(error).__name__}: {error}".strip())

    def copied(self, deadline: float) -> Outcome:
        """The lines of a COPY. They are compared as texts that may have doubles in them."""
        lines = []
        while True:
            size, data = self.connection.get_copy_data(1)
            if size > 0:
                lines.append((bytes(data),))
            elif size < 0:
                return Outcome(["line"], [FLOAT8], lines)
            else:
                self.wait(deadline, reading=True)
                self.connection.consume_input()

    def flush(self, deadline: float) -> None:
        """Until all is sent."""
        while self.connection.flush():
            self.wait(deadline, reading=False)

    def wait(self, deadline: float, reading: bool) -> None:
        """Until the socket is ready, or the time is over."""
        sockets = [self.connection.socket]
        if not any(select.select(sockets if reading else [], [] if reading else sockets, [], max(0, deadline - time.monotonic()))):
            raise TimeoutError(f"no answer in {SECONDS_PER_STATEMENT} seconds")

    def restore(self, statement: "Statement") -> None:  # noqa: F821
        """The session is as before a statement that changed it."""
        if statement.setup or statement.changes:
            for sql in ("ROLLBACK", "CLOSE ALL", "DEALLOCATE ALL", "RESET ALL", "SET timezone = 'UTC'", "SET statement_timeout = '15s'"):
                self.connection.exec_(sql.encode())
            self.zone = "UTC"


def read(result: pq.abc.PGresult) -> Outcome:
    """What a result says, whatever its kind."""
    if result.status == pq.ExecStatus.TUPLES_OK:
        columns = range(result.nfields)
        rows = [tuple(result.get_value(row, column) for column in columns) for row in range(result.ntuples)]
        names = [result.fname(column).decode() for column in columns]
        return Outcome(names, [result.ftype(column) for column in columns], rows)
    if result.status in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.EMPTY_QUERY):
        return Outcome()
    state = result.error_field(pq.DiagnosticField.SQLSTATE) or b"?????"
    message = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or result.error_message
    return Outcome(state=state.decode(), message=message.decode(errors="replace"))

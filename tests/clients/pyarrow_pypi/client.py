"""The PyPI client `pyarrow.flight`, which knows Flight but not Flight SQL: statements as plain commands, tables as paths.
Flight SQL's messages for the catalog and for parameters are put together by hand.

    pip install -r requirements.txt
    python client.py 127.0.0.1:50051

Prints `ok` and the number of checks; the first failure is an exception.
"""

import json
import sys
import threading
import time
from datetime import date

import pyarrow as pa
from pyarrow import flight

checks = 0


def check(what: str, got: object, wanted: object) -> None:
    """Equal, and of the same type."""
    global checks
    checks += 1
    if got != wanted or type(got) is not type(wanted):
        raise AssertionError(f"{what}: wanted {wanted!r}, got {got!r}")


def holds(what: str, condition: bool) -> None:
    """Fails with a sentence, also under `python -O`."""
    check(what, bool(condition), True)


def describe(client: flight.FlightClient, sql: str, options: flight.FlightCallOptions | None = None) -> flight.FlightInfo:
    """The description of a statement."""
    return client.get_flight_info(flight.FlightDescriptor.for_command(sql), options)


def query(client: flight.FlightClient, sql: str, options: flight.FlightCallOptions | None = None) -> pa.Table:
    """All rows of a statement: those of every endpoint."""
    info = describe(client, sql, options)
    return pa.concat_tables([client.do_get(endpoint.ticket, options).read_all() for endpoint in info.endpoints])


def statements(client: flight.FlightClient) -> None:
    """Values, types and NULL."""
    table = query(client, "SELECT 1 AS one, 'é' AS text, NULL::float8 AS nothing, date '2026-11-20' AS day")
    check("a row", table.to_pylist(), [{"one": 1, "text": "é", "nothing": None, "day": date(2026, 11, 20)}])
    check("its types", [str(kind) for kind in table.schema.types], ["int32", "string", "double", "date32[day]"])
    table = query(client, "SELECT symbol, close FROM eod WHERE symbol = 'AAPL' AND date >= '2026-01-02'")
    holds("bars", table.num_rows > 100 and table["close"].null_count == 0)


def tables(client: flight.FlightClient) -> None:
    """Every table is a flight."""
    paths = [b".".join(info.descriptor.path).decode() for info in client.list_flights()]
    holds("tables are listed", {"public.eod", "public.movers", "live.quotes", "system.freshness"} <= set(paths))
    descriptor = flight.FlightDescriptor.for_path("public", "symbols")
    schema = client.get_schema(descriptor).schema
    check("columns", schema.names[:2], ["symbol", "type"])
    info = client.get_flight_info(descriptor)
    check("the same columns", info.schema.names, schema.names)
    rows = client.do_get(info.endpoints[0].ticket).read_all().num_rows
    check("rows", rows, query(client, "SELECT count(*) AS n FROM symbols")["n"][0].as_py())
    actions = {action.type for action in client.list_actions()}
    holds("actions are listed", {"CancelFlightInfo", "SetSessionOptions"} <= actions)


def field(number: int, body: bytes) -> bytes:
    """A field of a message whose value has a length."""
    length, size = b"", len(body)
    while size > 0x7F:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + body


def packed(name: str, body: bytes) -> bytes:
    """A message of Flight SQL with its name."""
    return field(1, f"type.googleapis.com/arrow.flight.protocol.sql.{name}".encode()) + field(2, body)


def fields(message: bytes) -> dict[int, bytes]:
    """The fields of a message, all of which have a length."""
    found, place = {}, 0
    while place < len(message):
        number, place, size, shift = message[place] >> 3, place + 1, 0, 0
        while True:
            byte = message[place]
            size, place, shift = size | (byte & 0x7F) << shift, place + 1, shift + 7
            if byte < 0x80:
                break
        found[number], place = message[place : place + size], place + size
    return found


def command(client: flight.FlightClient, name: str, body: bytes) -> pa.Table:
    """The rows of a command of Flight SQL."""
    info = client.get_flight_info(flight.FlightDescriptor.for_command(packed(name, body)))
    return client.do_get(info.endpoints[0].ticket).read_all()


def metadata(client: flight.FlightClient) -> None:
    """The catalog at full depth."""
    check("catalogs", command(client, "CommandGetCatalogs", b"")["catalog_name"].to_pylist(), ["tt"])
    schemas = command(client, "CommandGetDbSchemas", b"")["db_schema_name"].to_pylist()
    check("schemas", schemas, ["information_schema", "live", "pg_catalog", "public", "system"])
    with_columns = field(2, b"public") + field(3, b"eo_") + b"\x28\x01"
    (table,) = command(client, "CommandGetTables", with_columns).to_pylist()
    check("a table", (table["table_name"], table["table_type"]), ("eod", "TABLE"))
    schema = pa.ipc.read_schema(pa.py_buffer(table["table_schema"]))
    check("its columns", (schema.names[:3], str(schema.field("close").type)), (["symbol", "date", "open"], "double"))
    keys = command(client, "CommandGetPrimaryKeys", field(2, b"public") + field(3, b"eod"))
    check("its key", keys["column_name"].to_pylist(), ["symbol", "date"])
    check("no foreign keys", command(client, "CommandGetImportedKeys", field(3, b"eod")).num_rows, 0)
    holds("what the server can", command(client, "CommandGetSqlInfo", b"").num_rows > 50)


def parameters(client: flight.FlightClient) -> None:
    """A prepared statement, with several rows of parameters."""
    request = packed("ActionCreatePreparedStatementRequest", field(1, b"SELECT symbol FROM symbols WHERE symbol = $1"))
    (result,) = client.do_action(flight.Action("CreatePreparedStatement", request))
    prepared = fields(fields(result.body.to_pybytes())[2])
    check("columns", pa.ipc.read_schema(pa.py_buffer(prepared[2])).names, ["symbol"])
    check("types of parameters", [str(kind) for kind in pa.ipc.read_schema(pa.py_buffer(prepared[3])).types], ["string"])
    rows = pa.record_batch({"symbol": ["AAPL", None, "'; drop table eod; --", "SPY"]})
    bound = flight.FlightDescriptor.for_command(packed("CommandPreparedStatementQuery", field(1, prepared[1])))
    writer, reader = client.do_put(bound, rows.schema)
    writer.write_batch(rows)
    writer.done_writing()
    handle = fields(reader.read().to_pybytes())[1]
    writer.close()
    found = command(client, "CommandPreparedStatementQuery", field(1, handle))["symbol"].to_pylist()
    check("rows of each", found, ["AAPL", "SPY"])
    closing = packed("ActionClosePreparedStatementRequest", field(1, handle))
    list(client.do_action(flight.Action("ClosePreparedStatement", closing)))


def freshness(client: flight.FlightClient) -> None:
    """The age of an answer is told in its description, and beside its rows."""
    info = describe(client, "SELECT symbol FROM movers")
    told = json.loads(info.app_metadata)
    holds(f"inputs: {told['inputs']}", "eod" in [one["dataset"] for one in told["inputs"]])
    holds("the age of the answer", told["state"] in ("fresh", "refreshing", "stale") and told["age_seconds"] >= 0)
    check("the feed", told["feed_class"], "simulated")
    reader = client.do_get(info.endpoints[0].ticket)
    told = json.loads(reader.read_chunk().app_metadata.to_pybytes())
    holds("told again with the rows", told["inputs"] and told["notices"] == [])


def parallel(client: flight.FlightClient) -> None:
    """A client that asks for several endpoints reads a large table in parts; one that does not gets one."""
    check("one endpoint", len(describe(client, "SELECT * FROM eod").endpoints), 1)
    info = describe(client, "SELECT symbol, date FROM eod", flight.FlightCallOptions(headers=[(b"tt-endpoints", b"4")]))
    whole = query(client, "SELECT count(*) AS n FROM eod")["n"][0].as_py()
    parts = [client.do_get(endpoint.ticket).read_all().num_rows for endpoint in info.endpoints]
    check(f"rows of {len(parts)} parts", sum(parts), whole)


def login(address: str) -> None:
    """Both ways of logging in give a token that carries the session."""
    client = flight.connect(f"grpc://{address}")
    header = client.authenticate_basic_token("ada", "pencil")
    options = flight.FlightCallOptions(headers=[header])
    check("who", query(client, "SELECT current_user AS me", options)["me"][0].as_py(), "ada")
    query(client, "SET max_staleness = '5s'", options)
    check("the session", query(client, "SHOW max_staleness", options)[0][0].as_py(), "5s")
    client = flight.connect(f"grpc://{address}")
    client.authenticate(Login())
    check("who, by the body", query(client, "SELECT current_user AS me")["me"][0].as_py(), "bob")
    options = flight.FlightCallOptions(headers=[(header[0], header[1] + b"A")])
    try:
        query(flight.connect(f"grpc://{address}"), "SELECT 1", options)
        raise AssertionError("a forged token is taken")
    except flight.FlightUnauthenticatedError as error:
        holds(f"why: {error}", "not of this server" in str(error))


class Login(flight.ClientAuthHandler):
    """Logs in by the body of the handshake, as clients did before there were headers for it."""

    def authenticate(self, outgoing: object, incoming: object) -> None:
        outgoing.write(flight.BasicAuth("bob", "pencil").serialize())
        self.token = incoming.read()

    def get_token(self) -> bytes:
        return self.token


def stream(client: flight.FlightClient) -> None:
    """A live table gives rows while it runs, and is cancelled from another thread."""
    reader = client.do_get(describe(client, "SELECT symbol, bid FROM live.quotes WHERE symbol IN ('SPY', 'AAPL')").endpoints[0].ticket)
    rows, began = 0, time.monotonic()
    while rows < 5:
        rows += reader.read_chunk().data.num_rows
    holds("five quotes within five seconds", time.monotonic() - began < 5)
    timer = threading.Timer(0.2, reader.cancel)
    timer.start()
    try:
        while True:
            reader.read_chunk()
    except flight.FlightCancelledError:
        pass
    timer.join()
    info = describe(client, "SELECT * FROM live.quotes WHERE symbol = 'nosuch'")
    reader = client.do_get(info.endpoints[0].ticket)
    timer = threading.Timer(0.3, lambda: list(client.do_action(flight.Action("CancelFlightInfo", cancel_request(info)))))
    timer.start()
    began = time.monotonic()
    try:
        reader.read_chunk()
        raise AssertionError("a cancelled statement succeeds")
    except flight.FlightCancelledError as error:
        holds(f"it says so: {error}", "canceling statement due to user request" in str(error))
    holds("within a second of asking", time.monotonic() - began < 1.3)
    timer.join()


def cancel_request(info: flight.FlightInfo) -> bytes:
    """CancelFlightInfoRequest: the description as field 1."""
    return field(1, info.serialize())


def failures(client: flight.FlightClient) -> None:
    """Errors are the classes pyarrow makes of codes."""
    for sql, wanted in (
        ("SELEC 1", pa.ArrowInvalid),
        ("SELECT * FROM nosuch", pa.ArrowKeyError),
        ("DELETE FROM eod", flight.FlightUnauthorizedError),
        ("SELECT count(*) FROM live.quotes", pa.ArrowNotImplementedError),
    ):
        try:
            query(client, sql)
        except (pa.ArrowException, flight.FlightError) as error:
            check(f"{sql}: {error}", type(error), wanted)
        else:
            raise AssertionError(f"{sql} succeeds")
    timeout = flight.FlightCallOptions(headers=[(b"tt-statement-timeout", b"200ms")])
    try:
        query(client, "SELECT * FROM live.quotes WHERE symbol = 'nosuch'", timeout)
        raise AssertionError("a statement without end ends")
    except flight.FlightTimedOutError:
        pass
    try:
        client.do_get(flight.Ticket(b"some other server's")).read_all()
        raise AssertionError("a foreign ticket is taken")
    except pa.ArrowInvalid as error:
        holds(f"why: {error}", "no ticket of this server" in str(error))
    writer, _ = client.do_put(flight.FlightDescriptor.for_path("public", "eod"), pa.schema([("a", pa.int64())]))
    try:
        writer.close()
        raise AssertionError("an upload is taken")
    except flight.FlightUnauthorizedError as error:
        holds(f"why: {error}", "only reads" in str(error))


def main() -> int:
    """All checks."""
    address = sys.argv[1]
    with flight.connect(f"grpc://{address}") as client:
        for part in (statements, tables, metadata, parameters, freshness, parallel, stream, failures):
            part(client)
    login(address)
    print(f"ok checks={checks}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

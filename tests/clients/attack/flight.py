"""Flight clients that send what is larger than it looks, do not end what they send, guess passwords, take calls back, or do
not read, against a server with the users ada (pencil), who is in nobody's way, and mallory (crayon).

    flight.py HOST PORT FLIGHT_PORT PID [--all] [NAME...]
"""

import base64
import functools
import itertools
import sys
import threading
import time

import http2
from victim import Victim

HOST, PORT, FLIGHT, PID = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
ALL, NAMES = "--all" in sys.argv, [word for word in sys.argv[5:] if word != "--all"]
SECONDS = 20 if ALL else 3
# How long the server may take to say that it does not take something.
ANSWER = 10
# How long it may wait for the rest of a request.
UNFINISHED = 75
MEGABYTE = 1 << 20
TYPES = b"type.googleapis.com/arrow.flight.protocol.sql."


def field(number, body):
    """A field of a message of protobuf whose value has a length."""

    def varint(value):
        more = b""
        while value > 127:
            value, more = value >> 7, more + bytes([value & 127 | 128])
        return more + bytes([value])

    return varint(number << 3 | 2) + varint(len(body)) + body


def packed(name, body):
    """A message of Flight SQL."""
    return field(1, TYPES + name) + field(2, body)


def handle(sql, rows=b""):
    """A prepared statement as the server gives it, with rows of parameters that it may never have seen."""
    return b"ttapi1" + field(1, sql.encode()) + field(2, rows) + field(3, b"0123456789abcdef")


def ticket(sql, rows=b""):
    """A ticket as the server gives it."""
    return packed(b"TicketStatementQuery", field(1, b"ttapi1" + field(1, sql.encode()) + field(5, rows)))


def in_threads(count, act, seconds):
    """Does something `count` times at once; gives what each gave in time."""
    given = []
    threads = [threading.Thread(target=lambda: given.append(act()), daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0, until - time.monotonic()))
    return given


# What looks small: rows of parameters.


@functools.cache
def arrow():
    """The library, which must not have begun when the victim forks."""
    import numpy
    import pyarrow
    from pyarrow import flight

    return numpy, pyarrow, flight


@functools.cache
def login():
    """The header of whoever has logged in."""
    with arrow()[2].connect(f"grpc://{HOST}:{FLIGHT}") as client:
        return client.authenticate_basic_token("mallory", "crayon")


def known():
    """The header as it stands in HTTP/2."""
    return [tuple(part.encode() if isinstance(part, str) else part for part in login())]


def options(seconds, **further):
    return arrow()[2].FlightCallOptions(headers=[login()], timeout=seconds, **further)


def asked(ask):
    """What the server said to a request: what it gave, and the error if there was one."""
    _, pyarrow, flight = arrow()
    try:
        with flight.connect(f"grpc://{HOST}:{FLIGHT}") as client:
            return ask(client), None
    except (pyarrow.ArrowException, flight.FlightError, OSError) as error:
        return None, error


def is_refusal(error):
    """Whether an error says what is wrong with the request, or that there is no room for it, and not that the server is in
    trouble."""
    _, pyarrow, _ = arrow()
    refusals = (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError)
    return isinstance(error, refusals) and " returned " in str(error)


def put(bound, batch, compression=None, kind=b"CommandPreparedStatementQuery"):
    """Binds rows to a prepared statement; what is given is the handle that carries them."""
    _, pyarrow, flight = arrow()

    def ask(client):
        wanted = flight.FlightDescriptor.for_command(packed(kind, field(1, bound)))
        written = pyarrow.ipc.IpcWriteOptions(compression=compression)
        writer, reader = client.do_put(wanted, batch.schema, options(ANSWER, write_options=written))
        try:
            writer.write_batch(batch)
            writer.done_writing()
            return reader.read()
        finally:
            writer.close()

    return asked(ask)


def describe(bound):
    """Asks what a prepared statement will give."""
    _, _, flight = arrow()
    wanted = flight.FlightDescriptor.for_command(packed(b"CommandPreparedStatementQuery", field(1, bound)))
    return asked(lambda client: client.get_flight_info(wanted, options(ANSWER)))


def fetch(body, seconds):
    """Reads the rows of a ticket for a time."""
    _, _, flight = arrow()

    def ask(client):
        rows = 0
        for chunk in client.do_get(flight.Ticket(body), options(seconds)):
            rows += chunk.data.num_rows
        return rows

    return asked(ask)


@functools.cache
def zeros(columns):
    """Columns of 60 MB each, which nearly vanish when they are compressed."""
    numpy, pyarrow, _ = arrow()
    column = pyarrow.array(numpy.zeros(7_500_000, numpy.int64))
    return pyarrow.record_batch([column] * columns, names=[f"c{place}" for place in range(columns)])


@functools.cache
def stream(columns, compression):
    """Such rows as they stand in a handle."""
    _, pyarrow, _ = arrow()
    sink = pyarrow.BufferOutputStream()
    written = pyarrow.ipc.IpcWriteOptions(compression=compression)
    with pyarrow.ipc.new_stream(sink, zeros(columns).schema, options=written) as writer:
        writer.write_batch(zeros(columns))
    return sink.getvalue().to_pybytes()


def places(count):
    return "SELECT " + ", ".join(f"${place}::text" for place in range(1, count + 1))


def refused(victim, what, count, ask):
    """Asks at once from several clients; each must be told why not."""
    began = time.monotonic()
    if not victim.lives():
        return "-"
    told = in_threads(count, ask, 3 * ANSWER)
    for _, error in told:
        if not is_refusal(error):
            victim.fault(f"{what} is not refused: {'it is taken' if error is None else str(error)[:90]}")
            break
    if len(told) < count:
        victim.fault(f"{what} is not answered")
    return f"{time.monotonic() - began:.1f}"


def bombs(victim):
    """Parameters of 40 columns of 60 MB, in a few kilobytes."""
    told = []
    for columns, compression in ((40, "zstd"), (1, "zstd"), (4, "lz4"), (40, "lz4")):
        ask = lambda: put(handle(places(columns)), zeros(columns), compression)
        told.append(refused(victim, f"{columns} columns of {compression}", 2, ask))
    return f"seconds {' '.join(told)}"


def brought(victim):
    """The same in handles and tickets, which hold what the server has given or what a client writes there."""
    told, nothing = [], arrow()[1].record_batch([[1]], names=["c"])
    for compression in ("zstd", "lz4"):
        rows = stream(40, compression)
        bound, asked_for = handle(places(40), rows), ticket(places(40), rows)
        told.append(refused(victim, f"a handle of {compression}", 2, lambda: describe(bound)))
        update = lambda: put(bound, nothing, kind=b"CommandPreparedStatementUpdate")
        told.append(refused(victim, f"an update of {compression}", 2, update))
        told.append(refused(victim, f"a ticket of {compression}", 2, lambda: fetch(asked_for, ANSWER)))
    return f"seconds {' '.join(told)}"


def shape(make, sql="SELECT $1::text"):
    """Rows that are many or long only once they are written out: refused in time, or taken without being written out."""

    def act(victim):
        _, pyarrow, _ = arrow()
        column, told = make(), []
        batch = column if isinstance(column, pyarrow.RecordBatch) else pyarrow.record_batch([column], names=["c"])
        for compression in (None, "zstd"):
            began = time.monotonic()
            answers = in_threads(2, lambda: put(handle(sql), batch, compression), 3 * ANSWER)
            taken = [given for given, error in answers if error is None]
            if len(answers) < 2 or not all(is_refusal(error) for given, error in answers if error is not None):
                victim.fault(f"there is no clear answer: {[str(error)[:90] for _, error in answers]}")
            told.append(f"{'taken' if taken else 'refused'} in {time.monotonic() - began:.1f} s")
            if taken and taken[0] is not None:
                # The handle is the first field of the answer, whose length takes one byte or three.
                bound = packed(b"CommandPreparedStatementQuery", field(1, first(taken[0].to_pybytes())))
                # Whoever has seen enough of a billion rows goes.
                answers = in_threads(6, lambda: fetch(bound, 3), 3 * ANSWER)
                errors = {type(error).__name__ for _, error in answers if error is not None}
                told.append(f"asked for: {' '.join(sorted(errors)) or 'rows'}")
        return ", ".join(told)

    return act


def first(message):
    """The first field of a message."""
    at, size, shift = 1, 0, 0
    while True:
        byte, at = message[at], at + 1
        size, shift = size | (byte & 127) << shift, shift + 7
        if byte < 128:
            return message[at : at + size]


def dictionary(size, keys, large=False):
    """One value that stands in every row."""
    numpy, pyarrow, _ = arrow()
    values = pyarrow.array(["x" * size], pyarrow.large_string() if large else pyarrow.string())
    return pyarrow.DictionaryArray.from_arrays(pyarrow.array(numpy.zeros(keys, numpy.int8)), values)


def runs():
    """One value that stands in two billion rows."""
    _, pyarrow, _ = arrow()
    return pyarrow.RunEndEncodedArray.from_arrays(pyarrow.array([(1 << 31) - 1], pyarrow.int32()), pyarrow.array(["x"]))


def views(count, size):
    """Texts that are all the same bytes."""
    numpy, pyarrow, _ = arrow()
    shown = numpy.zeros((count, 4), numpy.int32)
    shown[:, 0], shown[:, 1] = size, int.from_bytes(b"xxxx", "little")
    buffers = [None, pyarrow.py_buffer(shown.tobytes()), pyarrow.py_buffer(b"x" * size)]
    return pyarrow.Array.from_buffers(pyarrow.string_view(), count, buffers)


def nulls():
    return arrow()[1].nulls(1_000_000_000)


def booleans():
    numpy, pyarrow, _ = arrow()
    return pyarrow.array(numpy.zeros(7_900_000, bool))


def columnless():
    """A billion rows of no columns, for a statement without parameters."""
    _, pyarrow, _ = arrow()
    return pyarrow.RecordBatch.from_struct_array(pyarrow.nulls(1_000_000_000, pyarrow.struct([])))


# What does not end, or is taken back.

# Calls that bring one message, which is read before anybody looks at who sends it, and one that brings many.
METHODS = ["GetFlightInfo", "DoGet", "DoAction", "GetSchema", "PollFlightInfo", "DoPut"]


def half(connection, method, sent):
    """Begins a call whose message says that it is of 15.9 MB, and sends so much of it."""
    call = connection.call(method, known() if method == "DoPut" else [])
    return call, lambda: connection.send(call, http2.message(bytes(sent), 15_900_000))


def unfinished(victim):
    """200 calls over 4 connections, each with 15 MB of a message that does not end."""
    connections = [http2.Connection(HOST, FLIGHT) for _ in range(4)]
    sent, methods = [], itertools.cycle(METHODS)

    def send(calls):
        for call in calls:
            sent.append(call())

    for connection in connections:
        calls = [half(connection, next(methods), 15_000_000)[1] for _ in range(50)]
        # A few at once, as fast as the server takes it.
        for part in range(5):
            threading.Thread(target=send, args=(calls[part::5],), daemon=True).start()
    until, before = time.monotonic() + 3 * SECONDS, None
    time.sleep(SECONDS)
    # As long as there is more to come.
    while len(sent) < 200 and sum(sent) != before and time.monotonic() < until:
        before = sum(sent)
        time.sleep(2)
    refused = sum(len(connection.ended) for connection in connections)
    for connection in connections:
        connection.close()
    return f"{sum(sent) / MEGABYTE:.0f} MB, {refused} refused"


class Waiting:
    """Calls that are begun before everything else, and must have been ended at last."""

    def __init__(self):
        self.began, self.connection = time.monotonic(), http2.Connection(HOST, FLIGHT)
        self.calls = {}
        for method in METHODS:
            call, send = half(self.connection, method, 10_000)
            send()
            self.calls[method] = call

    def ended(self, victim):
        told = []
        for method, call in self.calls.items():
            how = self.connection.wait(call, max(0, self.began + UNFINISHED - time.monotonic()))
            told.append(f"{method} {how}")
            if how is None:
                victim.fault(f"{method} waits for the rest of its request after {UNFINISHED} s")
        self.connection.close()
        return f"{time.monotonic() - self.began:.0f} s: {', '.join(told)}"


def guesses(at_once):
    """64 clients that guess the passwords of those who are there and of those who are not, so many calls each at once."""

    def act(victim):
        _, error = asked(lambda client: client.authenticate_basic_token("ada", "wrong"))
        if not isinstance(error, arrow()[2].FlightUnauthenticatedError):
            victim.fault(f"a wrong password: {error}")
        until, count = time.monotonic() + 2 * SECONDS, itertools.count()

        def guess():
            try:
                connection, calls = http2.Connection(HOST, FLIGHT), []
                while time.monotonic() < until:
                    while len(calls) < at_once and not connection.closed:
                        number = next(count)
                        user = "ada" if number % 2 else f"nobody{number}"
                        word = base64.b64encode(f"{user}:guess{number}".encode())
                        calls.append(connection.call("Handshake", [(b"authorization", b"Basic " + word)], end=True))
                    connection.wait(calls.pop(0), 1)
                    if connection.closed:
                        connection, calls = http2.Connection(HOST, FLIGHT), []
                connection.close()
            except OSError:
                pass  # It was sent away.

        in_threads(64, guess, 90)
        return f"{next(count)} guesses"

    return act


# Statements of 2 MB that are deep, or long.
TEXTS = {
    "parens": lambda: "SELECT " + "(" * 1_000_000 + "1" + ")" * 1_000_000,
    "plus": lambda: "SELECT 1" + "+1" * 1_000_000,
    "plus_name": lambda: "SELECT \"'\"" + "+" * 2_000_000,
    "minus": lambda: "SELECT " + "- " * 1_000_000 + "1",
    "case": lambda: "SELECT " + "CASE WHEN true THEN " * 80_000 + "1" + " END" * 80_000,
    "in": lambda: "SELECT 1 WHERE 1 IN (" + ",".join(map(str, range(290_000))) + ")",
    "union": lambda: "SELECT 1" + " UNION ALL SELECT 1" * 100_000,
    "from": lambda: "SELECT 1 FROM " + "(SELECT 1 FROM " * 100_000 + "pg_class" + ") q" * 100_000,
    "with": lambda: "WITH " + ", ".join(f"a{place} AS (SELECT {place})" for place in range(80_000)) + " SELECT 1",
    "columns": lambda: "SELECT " + ", ".join(f"$1::text AS c{place}" for place in range(100_000)),
    "json": lambda: "SELECT '" + "[" * 1_000_000 + "]" * 1_000_000 + "'::jsonb",
    "text": lambda: "SELECT '" + "x" * 2_000_000 + "'",
    "name": lambda: 'SELECT 1 AS "' + "a" * 2_000_000 + '"',
}


def taken_back(names):
    """Clients that ask with 2 MB of text and take it back: at once, while it is read, and while it is planned."""

    def act(victim):
        until, count, requests = time.monotonic() + SECONDS, itertools.count(), []
        for sql in (TEXTS[name]() for name in names):
            descriptor = b"\x08\x02" + field(2, packed(b"CommandStatementQuery", field(1, sql.encode())))
            requests += [("GetFlightInfo", http2.message(descriptor)), ("DoGet", http2.message(field(1, ticket(sql))))]

        def ask():
            try:
                connection = http2.Connection(HOST, FLIGHT)
                while time.monotonic() < until:
                    number = next(count)
                    method, body = requests[number % len(requests)]
                    call = connection.call(method, known())
                    connection.send(call, body, end=True, patience=5)
                    connection.wait(call, (0, 0.02, 0.3)[number % 3])
                    if not connection.over(call):
                        connection.cancel(call)
                    if connection.closed:
                        connection = http2.Connection(HOST, FLIGHT)
                connection.close()
            except OSError:
                pass  # It was sent away.

        in_threads(16, ask, SECONDS + 20)
        return f"{next(count)} calls"

    return act


def wide(size):
    """Rows without end, for whoever does not read, of so many bytes each."""
    return f"SELECT repeat('x', {size}), i FROM generate_series(1, 10000000) t(i)"


def unread(victim, size=1_000_000):
    """33 clients that begin to read large rows, and go no further."""
    _, pyarrow, flight = arrow()
    kept, errors = [], []

    seconds = SECONDS + 12

    def ask():
        try:
            client = flight.connect(f"grpc://{HOST}:{FLIGHT}")
            kept.append((client, client.do_get(flight.Ticket(ticket(wide(size))), options(seconds))))
        except (pyarrow.ArrowException, flight.FlightError, OSError) as error:
            errors.append(error)

    until = time.monotonic() + seconds
    in_threads(33, ask, seconds)
    time.sleep(max(0, min(SECONDS, until - time.monotonic())))
    for client, reader in kept:
        reader.cancel()
        client.close()
    return f"{len(kept)} begun, {len(errors)} refused"


def deaf(victim, size=1_000_000):
    """33 calls on one connection of which not a byte is read, though all may come."""
    connection = http2.Connection(HOST, FLIGHT, reads=False)
    for _ in range(33):
        connection.send(connection.call("DoGet", known()), http2.message(field(1, ticket(wide(size)))), end=True)
    time.sleep(SECONDS)
    connection.close()
    return "33 calls"


ATTACKS = {
    "bombs": bombs,
    "brought": brought,
    "dictionary": shape(lambda: dictionary(500_000, 1_000_000)),
    "dictionary_large": shape(lambda: dictionary(500_000, 1_000_000, large=True)),
    "dictionary_short": shape(lambda: dictionary(2_000, 1_000_000)),
    "runs": shape(runs),
    "views": shape(lambda: views(30_000, 450_000)),
    "views_many": shape(lambda: views(3_000_000, 500_000)),
    "nulls": shape(nulls),
    "booleans": shape(booleans, "SELECT $1::boolean"),
    "columnless": shape(columnless, "SELECT 1"),
    "unfinished": unfinished,
    "guesses_many": guesses(150),
    "taken_back": taken_back(TEXTS),
    "unread": unread,
    "deaf": deaf,
}
# Of which the core has enough: they take long, and the others find the same.
FURTHER = {"guesses": guesses(1)} | {f"taken_back {name}": taken_back([name]) for name in TEXTS}
# Rows of 16 MB, for few of which there is room.
FURTHER |= {"unread_huge": lambda victim: unread(victim, 16_000_000), "deaf_huge": lambda victim: deaf(victim, 16_000_000)}
# Seconds that others wait at most while processors, not memory, are what is taken.
PATIENCE = {"guesses": 3, "guesses_many": 3}


def main():
    victim = Victim(HOST, PORT, PID, flight=FLIGHT, user="ada", password="pencil")
    login()
    time.sleep(0.5)
    before, idle, faults = victim.resident(), victim.busy(1), []
    waiting = Waiting() if not NAMES or "waiting" in NAMES else None
    for name, act in (ATTACKS | FURTHER).items():
        if name in NAMES or not NAMES and (ALL or name in ATTACKS):
            faults += victim.check(name, lambda: act(victim), PATIENCE.get(name))
            faults += victim.settled(name, before, idle, more=300 * MEGABYTE)
            if not victim.lives():
                break
    if waiting:
        faults += victim.check("waiting", lambda: waiting.ended(victim))
    print(f"{len(faults)} faults")
    sys.exit("\n".join(faults) if faults else 0)


if __name__ == "__main__":
    main()

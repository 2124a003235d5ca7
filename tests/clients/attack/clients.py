"""Clients that do not read, do not end what they send, leave much with the server, or send texts that are all signs.

    clients.py HOST PORT PID [NAME...]
"""

import socket
import struct
import sys
import threading
import time

from victim import Victim

HOST, PORT, PID = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
NAMES = sys.argv[4:]
SECONDS = 8
# Of a statement, in seconds: its own limit, what it may take beyond that, and what it may take to end after a cancel.
TIMEOUT, BEYOND, CANCELLED = 3, 5, 2


def message(kind, body):
    return kind + struct.pack("!I", len(body) + 4) + body


def log_in(keys=None):
    """A client that is let in; what a cancel needs is added to `keys`."""
    client = socket.create_connection((HOST, PORT), timeout=60)
    body = struct.pack("!I", 196608) + b"user\0tt\0database\0tt\0\0"
    client.sendall(struct.pack("!I", len(body) + 4) + body)
    for kind, body in answers(client):
        if kind == b"K" and keys is not None:
            keys.append(body)
        if kind == b"Z":
            return client
    raise OSError("not let in")


def answers(client):
    """What the server says, message by message, until it closes."""
    said = bytearray()
    while True:
        at = 0
        while len(said) - at > 4 and len(said) - at > (size := struct.unpack_from("!I", said, at + 1)[0]):
            yield bytes(said[at : at + 1]), bytes(said[at + 5 : at + 1 + size])
            at += 1 + size
        del said[:at]
        piece = client.recv(1 << 16)
        if not piece:
            return
        said += piece


# Bytes of each piece that the server has taken in an attack.
taken = []


def send(client, pieces):
    """Sends in a thread of its own, until the server has enough."""

    def run():
        try:
            for piece in pieces():
                client.sendall(piece)
                taken.append(len(piece))
        except OSError:
            pass

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def unread(client):
    sql = b"SELECT repeat('x', 1000), i, repeat('y', 2000) FROM generate_series(1, 10000000) t(i)\0"
    send(client, lambda: [message(b"Q", sql)])


def unfinished(client):
    def pieces():
        yield b"Q" + struct.pack("!I", 59_000_000)
        for _ in range(58):
            yield b"x" * 1_000_000

    send(client, pieces)


def portals(client):
    def pieces():
        yield message(b"P", b"\0SELECT length($1::text)\0\0\0")
        for number in range(10):
            value = b"x" * 60_000_000
            head = f"p{number}".encode() + b"\0\0" + struct.pack("!hhi", 0, 1, len(value))
            yield message(b"B", head + value + struct.pack("!h", 0))

    send(client, pieces)


def small_portals(client):
    """Thousands of values, none of which is large."""

    def pieces():
        yield message(b"P", b"\0SELECT length($1::text)\0\0\0")
        value = b"x" * 900_000
        for number in range(2_000):
            head = f"p{number}".encode() + b"\0\0" + struct.pack("!hhi", 0, 1, len(value))
            yield message(b"B", head + value + struct.pack("!h", 0))

    send(client, pieces)


def savepoints(client):
    """Settings, and savepoints that keep what they were."""

    def pieces():
        for number in range(40):
            yield message(b"Q", f"SET a.b{number} = '{'x' * 60_000}'\0".encode())
        yield message(b"Q", b"BEGIN\0")
        for number in range(900):
            yield message(b"Q", f"SAVEPOINT s{number}\0".encode())

    send(client, pieces)


def temporaries(client):
    """Temporary tables, and what savepoints keep of them."""

    def pieces():
        yield message(b"Q", b"CREATE TEMP TABLE t AS SELECT i, repeat('x', 1000) FROM generate_series(1, 50000) s(i)\0")
        yield message(b"Q", b"BEGIN\0")
        for number in range(20):
            yield message(b"Q", f"SAVEPOINT s{number}\0".encode())
            yield message(b"Q", b"UPDATE t SET i = i + 1\0")
            yield message(b"Q", f"CREATE TEMP TABLE t{number} AS SELECT * FROM t\0".encode())
            yield message(b"Q", f"ROLLBACK TO s{number}\0".encode() if number % 2 else b"SELECT 1\0")

    send(client, pieces)


def copies(client):
    """Rows of a COPY that do not end."""

    def pieces():
        yield message(b"Q", b"CREATE TEMP TABLE t (a text)\0")
        yield message(b"Q", b"COPY t FROM STDIN\0")
        piece = message(b"d", b"x" * 1_000_000)
        for _ in range(60):
            yield piece

    return send(client, pieces)


def folded(client):
    """Prepared statements whose texts are short and whose constants are not, once the optimiser has computed them."""

    def run():
        try:
            for number in range(150):
                value = f"repeat('x', {4_000_000 - number})"
                sql = f"PREPARE p{number} AS SELECT length({value}), {value} FROM generate_series(1, $1::int)"
                for text in [sql] + 2 * [f"EXECUTE p{number}(0)"]:
                    client.sendall(message(b"Q", text.encode() + b"\0"))
                    next(kind for kind, _ in answers(client) if kind == b"Z")
                taken.append(len(sql))
        except (OSError, StopIteration):
            pass

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def long_names(kind, rest):
    """500 names of 10 MB, of statements or of portals, each with the rest of its message."""

    def act(client):
        def pieces():
            yield message(b"Q", b"BEGIN\0")
            yield message(b"P", b"\0SELECT 1\0\0\0")
            for number in range(500):
                yield message(kind, str(number).encode().rjust(10_000_000, b"n") + rest)

        return send(client, pieces)

    return act


def attack(count, act, patience=None):
    """Has so many clients do something; with `patience` until they have done it, or so many seconds."""
    taken.clear()
    clients = [log_in() for _ in range(count)]
    until = time.monotonic() + (patience or 0)
    threads = [act(client) for client in clients]
    for thread in threads if patience else []:
        thread.join(max(0, until - time.monotonic()))
    time.sleep(1 if patience else SECONDS)
    for client in clients:
        client.close()
    return f"{count} clients, {sum(taken) >> 20} MB taken"


# Texts of one message; the first two are many statements, the others one with too many signs, each behind something that
# whoever counts them may misread: a quote in a name or a text, a comment that ends without a line feed, and what begins like
# a text and is none.
TEXTS = {
    "quarter_million": lambda: b"SELECT 1;" * 250_000,
    "million": lambda: b";".join([b"SELECT 1"] * 1_000_000),
    "plus_name": lambda: b"SELECT \"'\"" + b"+" * 60_000_000,
    "plus_dollars": lambda: b"SELECT $$'$$" + b"+1" * 15_000_000,
    "plus_comment": lambda: b"SELECT 1 --\r" + b"+1" * 15_000_000 + b"\n+1",
    "plus_tag": lambda: b"SELECT $1x$ ' $1x$" + b"+1" * 15_000_000,
}


def ask(victim, text, cancelled):
    """Sends a text, which is refused or ends in time: within its limit and a little more, or soon after a cancel."""
    keys, how, results = [], [], [0]
    client = log_in(keys)
    limit = 0 if cancelled else TIMEOUT
    client.sendall(message(b"Q", f"SET statement_timeout = '{limit}s'\0".encode()))
    for kind, _ in answers(client):
        if kind == b"Z":
            break

    def read():
        try:
            for kind, body in answers(client):
                if kind == b"C":
                    results[0] += 1
                if kind == b"E":
                    how.append(next(part[1:] for part in body.split(b"\0") if part[:1] == b"C").decode())
                if kind == b"Z":
                    break
            else:
                how.append("closed")
        except OSError as error:
            how.append(str(error))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        client.sendall(message(b"Q", text + b"\0"))
    except OSError:
        pass  # It is refused while it is sent.
    began, allowed = time.monotonic(), TIMEOUT + BEYOND
    if cancelled:
        reader.join(1)
        began, allowed = time.monotonic(), CANCELLED
        with socket.create_connection((HOST, PORT), timeout=10) as canceller:
            canceller.sendall(struct.pack("!II", 16, 80877102) + keys[0])
    reader.join(allowed + 3)
    took = time.monotonic() - began
    # Each of many statements has its own time, as in PostgreSQL: they may go on, but not when they are cancelled.
    goes_on = text.count(b";") > 1 and results[0] > 0 and not cancelled
    if reader.is_alive() and not goes_on:
        victim.fault("it did not end")
    elif took > allowed and not goes_on:
        victim.fault(f"it ended {took:.1f} s after {'its cancel' if cancelled else 'it was sent'}")
    if "XX000" in how:
        victim.fault("an internal error")
    client.close()
    return f"{' '.join(how) or 'goes on'} in {took:.1f} s, {results[0]} results"


def main():
    victim = Victim(HOST, PORT, PID)
    before, faults = victim.resident(), []
    attacks = [
        ("unread", 40, unread),
        ("unfinished", 40, unfinished),
        ("portals", 8, portals),
        ("small portals", 2, small_portals),
        ("savepoints", 4, savepoints),
        ("temporaries", 12, temporaries),
        ("copies", 60, copies, 20),
        ("folded", 2, folded, 12),
        ("statement names", 2, long_names(b"P", b"\0SELECT 1\0\0\0"), 20),
        ("portal names", 2, long_names(b"B", b"\0\0\0\0\0\0\0\0"), 20),
    ]
    acts = {name: lambda how=how: attack(*how) for name, *how in attacks}
    for name, make in TEXTS.items():
        acts[name] = lambda make=make: ask(victim, make(), False)
        acts[f"{name} cancelled"] = lambda make=make: ask(victim, make(), True)
    # What clients leave has a quarter of the memory, and constants are not left at all.
    most = {"statement names": 650 << 20, "portal names": 650 << 20, "folded": 400 << 20}
    for name, act in acts.items():
        if not NAMES or name in NAMES:
            faults += victim.check(name, act, most=most.get(name))
            faults += victim.settled(name, before)
            if not victim.lives():
                break
    sys.exit("\n".join(faults) if faults else 0)


if __name__ == "__main__":
    main()

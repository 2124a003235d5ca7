"""Clients that do not read, do not end what they send, or leave much with the server.

    clients.py HOST PORT PID
"""

import socket
import struct
import sys
import threading
import time

from victim import Victim

HOST, PORT, PID = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
SECONDS = 8


def message(kind, body):
    return kind + struct.pack("!I", len(body) + 4) + body


def log_in():
    client = socket.create_connection((HOST, PORT))
    body = struct.pack("!I", 196608) + b"user\0tt\0database\0tt\0\0"
    client.sendall(struct.pack("!I", len(body) + 4) + body)
    said = b""
    while b"Z\0\0\0\x05" not in said:
        said += client.recv(1 << 16)
    return client


def send(client, pieces):
    """Sends in a thread of its own, until the server has enough."""

    def run():
        try:
            for piece in pieces():
                client.sendall(piece)
        except OSError:
            pass

    threading.Thread(target=run, daemon=True).start()


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


def attack(count, act):
    clients = [log_in() for _ in range(count)]
    for client in clients:
        act(client)
    time.sleep(SECONDS)
    for client in clients:
        client.close()
    return f"{count} clients"


def given_back(victim, before):
    """Waits until memory is as it was, give or take."""
    until = time.monotonic() + 30
    while victim.resident() > before + (200 << 20) and time.monotonic() < until:
        time.sleep(0.2)
    return f"{victim.resident() >> 20} MB"


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
    ]
    for name, count, act in attacks:
        faults += victim.check(name, lambda: attack(count, act))
        left = given_back(victim, before)
        print(f"{name:18} afterwards {left}")
        if victim.resident() > before + (200 << 20):
            faults.append(f"{name}: {left} are kept")
    sys.exit("\n".join(faults) if faults else 0)


if __name__ == "__main__":
    main()

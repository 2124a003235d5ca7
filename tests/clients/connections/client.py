"""500 connections: half of them idle, half querying, two never reading; the others are unaffected, and the next is refused.

Speaks the wire itself, so that nothing reads on behalf of those that do not. Standard library only.

    client.py HOST PORT LIMIT
"""

import asyncio
import struct
import sys
import time

HOST, PORT, LIMIT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
STREAMS = 2
QUERIES = 4
PATIENCE = 60


def startup(user):
    body = struct.pack("!I", 196608) + b"user\0" + user + b"\0\0"
    return struct.pack("!I", len(body) + 4) + body


def query(sql):
    body = sql.encode() + b"\0"
    return b"Q" + struct.pack("!I", len(body) + 4) + body


async def message(reader):
    kind = await reader.readexactly(1)
    (length,) = struct.unpack("!I", await reader.readexactly(4))
    return kind, await reader.readexactly(length - 4)


def code(body):
    return next(field[1:].decode() for field in body.split(b"\0") if field.startswith(b"C"))


async def until_ready(reader):
    kinds = b""
    while not kinds.endswith(b"Z"):
        kind, body = await message(reader)
        if kind == b"E":
            raise AssertionError(code(body))
        kinds += kind
    return kinds


async def connect(user=b"many"):
    reader, writer = await asyncio.open_connection(HOST, PORT, limit=2**14)
    writer.write(startup(user))
    await until_ready(reader)
    return reader, writer


async def ask(connection, sql):
    reader, writer = connection
    began = time.monotonic()
    writer.write(query(sql))
    kinds = await until_ready(reader)
    assert kinds == b"TDCZ", kinds
    return time.monotonic() - began


async def main():
    # Two that ask for rows without end and never read them.
    streams = [await connect(b"stuck") for _ in range(STREAMS)]
    for _, writer in streams:
        writer.write(query("select a.n, b.m from generate_series(1, 1000000) as a(n) cross join generate_series(1, 1000) as b(m)"))
        await writer.drain()
    began = time.monotonic()
    others = []
    while len(others) < LIMIT - STREAMS:
        some = min(20, LIMIT - STREAMS - len(others))
        others += await asyncio.gather(*(connect() for _ in range(some)))
    print(f"{LIMIT} connections in {time.monotonic() - began:.1f} s")

    try:
        await connect()
        raise AssertionError("one more than the limit is let in")
    except AssertionError as refused:
        assert str(refused) == "53300", refused

    busy = others[: len(others) // 2]
    took = []
    for _ in range(QUERIES):
        took += await asyncio.gather(*(ask(one, "select sum(n) from generate_series(1, 1000) as a(n)") for one in busy))
    took.sort()
    print(f"{len(took)} queries on {len(busy)} connections, p50 {took[len(took) // 2] * 1e3:.0f} ms, max {took[-1] * 1e3:.0f} ms")
    # The idle half is there when it is needed.
    for one in others[len(busy) :]:
        await ask(one, "select 1")

    # A place that is given up is free for the next.
    others.pop()[1].close()
    deadline = time.monotonic() + 5
    while True:
        try:
            others.append(await connect())
            break
        except AssertionError as refused:
            assert str(refused) == "53300" and time.monotonic() < deadline, refused
    for _, writer in streams + others:
        writer.transport.abort()
    last = None
    deadline = time.monotonic() + 10
    while True:
        try:
            connection = await connect(b"last")
            connection[1].write(query("select 1 where (select count(*) from system.queries where \"user\" = 'stuck') > 0"))
            if b"D" not in await until_ready(connection[0]):
                break
            connection[1].close()
        except AssertionError as refused:
            last = refused
        assert time.monotonic() < deadline, f"the streams of clients that are gone still run: {last}"
        await asyncio.sleep(0.1)


asyncio.run(asyncio.wait_for(main(), PATIENCE * 3))

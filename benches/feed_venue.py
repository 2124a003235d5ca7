"""A venue for feed.py: it grants tokens, opens dxLink, and sends trades of the tape at a rate of its own, none left out.

The simulated venue of the program conflates, as the true one does; what is sent here is what must arrive. Every frame is a
text made beforehand, into which the moment of its sending is written: as the venue time of each of its trades, to the
microsecond. It runs in a process of its own. Standard library alone.
"""

import base64
import hashlib
import json
import multiprocessing
import socket
import struct
import threading
import time

WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# Where the moment goes: milliseconds, and nanoseconds within one.
MOMENT = b"@@@@@@@@@@@@@,######"
FIELDS = [
    "eventSymbol", "eventFlags", "time", "timeNanoPart", "sequence", "exchangeCode", "price", "size", "bidPrice",
    "askPrice", "exchangeSaleConditions", "aggressorSide", "extendedTradingHours", "spreadLeg", "validTick", "type",
]
# Frames made beforehand for one connection.
TEXTS = 32


class Venue:
    """A venue in a process of its own; stopped on exit."""

    def __init__(self):
        self.rate, self.sent = multiprocessing.Value("d", 0.0), multiprocessing.Value("q", 0)
        self.late, self.subscribed = multiprocessing.Value("d", 0.0), multiprocessing.Value("q", 0)
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = listener.getsockname()[1]
        self.process = multiprocessing.get_context("fork").Process(target=self._serve, args=(listener,), daemon=True)
        self.process.start()
        listener.close()

    def send(self, rate):
        """From now on so many trades a second over each connection; 0 for none."""
        if rate:
            self.late.value = 0.0
        self.rate.value = rate

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.join()

    def _serve(self, listener):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=self._connection, args=(connection,), daemon=True).start()

    def _connection(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            reader = connection.makefile("rb")
            while request := reader.readline():
                _, path, _ = request.decode("latin1").split()
                headers = {}
                while (line := reader.readline().strip()):
                    name, _, value = line.decode("latin1").partition(":")
                    headers[name.lower()] = value.strip()
                reader.read(int(headers.get("content-length", 0)))
                if key := headers.get("sec-websocket-key"):
                    accept = base64.b64encode(hashlib.sha1(key.encode() + WEBSOCKET).digest()).decode()
                    upgrade = f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
                    connection.sendall(upgrade.encode())
                    return self._dxlink(connection, reader)
                self._answer(connection, path)
        except (OSError, ValueError, struct.error):
            pass
        finally:
            connection.close()

    def _answer(self, connection, path):
        """The two routes that a feed needs; there are no others."""
        url = f"ws://127.0.0.1:{self.port}/realtime"
        known = {
            "/oauth/token": {"access_token": "bench", "token_type": "Bearer", "expires_in": 900},
            "/api-quote-tokens": {"data": {"token": "bench", "dxlink-url": url, "level": "api"}},
        }
        answer = known.get(path.partition("?")[0])
        status = "200 OK" if answer else "404 Not Found"
        body = json.dumps(answer or {"error": {"code": "not_found", "message": "no such route"}}).encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)

    def _dxlink(self, connection, reader):
        writing, symbols, sender = threading.Lock(), set(), None

        def say(**message):
            with writing:
                connection.sendall(frame(json.dumps(message).encode()))

        while (text := read_frame(reader)) is not None:
            message = json.loads(text or "{}")
            match message.get("type"):
                case "SETUP":
                    say(type="SETUP", channel=0, version="1.0-bench", keepaliveTimeout=60, acceptKeepaliveTimeout=60)
                    say(type="AUTH_STATE", channel=0, state="UNAUTHORIZED")
                case "AUTH":
                    say(type="AUTH_STATE", channel=0, state="AUTHORIZED", userId="bench")
                case "CHANNEL_REQUEST":
                    say(type="CHANNEL_OPENED", channel=1, service="FEED", parameters={"contract": "AUTO"})
                case "FEED_SETUP":
                    say(type="FEED_CONFIG", channel=1, dataFormat="COMPACT", aggregationPeriod=0, eventFields={"TimeAndSale": FIELDS})
                case "FEED_SUBSCRIPTION":
                    new = {one["symbol"] for one in message.get("add", []) if one["type"] == "TimeAndSale"} - symbols
                    symbols |= new
                    with self.subscribed.get_lock():
                        self.subscribed.value += len(new)
                    if sender is None and symbols:
                        sender = threading.Thread(target=self._send, args=(connection, writing, symbols), daemon=True)
                        sender.start()

    def _send(self, connection, writing, symbols):
        """Sends while the connection lives: a frame for each few milliseconds, by the clock and not one after the other."""
        texts, rate, number, events = [], 0.0, 0, 0
        try:
            while True:
                if rate != self.rate.value:
                    rate = self.rate.value
                    # Up to 200 frames a second, each of a thousand trades at most.
                    events = max(1, min(1000, round(rate / 200)))
                    texts = [sales(sorted(symbols), place * events, events) for place in range(TEXTS)]
                    due = time.monotonic()
                if rate <= 0:
                    time.sleep(0.01)
                    continue
                due += events / rate
                wait = due - time.monotonic()
                if wait > 0:
                    time.sleep(wait)
                elif -wait > self.late.value:
                    self.late.value = -wait
                now = time.time_ns()
                moment = b"%013d,%d" % (now // 1_000_000, now % 1_000_000)
                payload = frame(texts[number % TEXTS].replace(MOMENT, moment))
                with writing:
                    connection.sendall(payload)
                number += 1
                with self.sent.get_lock():
                    self.sent.value += events
        except OSError:
            return


def sales(symbols, first, count):
    """The text of so many trades, with room for the moment of each."""
    rows = []
    for number in range(first, first + count):
        symbol, price = symbols[number % len(symbols)], 100 + number % 977 / 100
        rows.append(f'"{symbol}",0,{MOMENT.decode()},{number},"Q",{price:.2f},100,{price - 0.01:.2f},{price + 0.01:.2f},"@","BUY",false,false,true,"NEW"')
    return f'{{"type":"FEED_DATA","channel":1,"data":["TimeAndSale",[{",".join(rows)}]]}}'.encode()


def frame(payload, opcode=1):
    """A frame of a server: whole, without a mask."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, size)
    elif size < 65536:
        head = struct.pack("!BBH", 0x80 | opcode, 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 127, size)
    return head + payload


def read_frame(reader):
    """The next text of the client, b"" for what is none; None at its end."""
    head = reader.read(2)
    if len(head) < 2 or head[0] & 0x0F == 8:
        return None
    size = head[1] & 0x7F
    if size > 125:
        size = int.from_bytes(reader.read(2 if size == 126 else 8), "big")
    mask, body = reader.read(4), reader.read(size)
    if len(body) < size:
        return None
    key = (mask * (size // 4 + 1))[:size]
    text = (int.from_bytes(body, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
    return text if head[0] & 0x0F == 1 else b""

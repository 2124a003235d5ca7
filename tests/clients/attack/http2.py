"""Calls of gRPC as no library makes them: frames of HTTP/2 by hand, so that a request may stay half sent, an answer unread,
and a call be taken back at any moment. Of what the server says, only the frames are read."""

import socket
import struct
import threading

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
INITIAL_WINDOW_SIZE, CANCEL = 4, 8
FRAME_BYTES = 16_384
LARGEST_WINDOW = (1 << 31) - 1
SERVICE = "/arrow.flight.protocol.FlightService/"


def frame(kind, flags, stream, body=b""):
    return struct.pack("!IBBI", len(body), kind, flags, stream)[1:] + body


def text(value):
    """A string of HPACK, as it is."""
    size = len(value)
    if size < 127:
        return bytes([size]) + value
    size, more = size - 127, b"\x7f"
    while size > 127:
        size, more = size >> 7, more + bytes([size & 127 | 128])
    return more + bytes([size]) + value


def message(body, claimed=None):
    """What gRPC puts before a message, and the message, which may be shorter than it says."""
    return struct.pack("!BI", 0, len(body) if claimed is None else claimed) + body


class Connection:
    """One connection. Calls are named by the numbers of their streams; `ended` says how each of them did."""

    def __init__(self, host, port, reads=True, window=LARGEST_WINDOW):
        self.socket = socket.create_connection((host, port), timeout=30)
        self.authority = f"{host}:{port}".encode()
        self.sending, self.changed = threading.Lock(), threading.Condition()
        self.next, self.room, self.stream_room, self.rooms = 1, 65_535, 65_535, {}
        self.ended, self.closed = {}, None
        settings = struct.pack("!HI", INITIAL_WINDOW_SIZE, window)
        grown = frame(WINDOW_UPDATE, 0, 0, struct.pack("!I", LARGEST_WINDOW - 65_535))
        self._write(PREFACE + frame(SETTINGS, 0, 0, settings) + grown)
        if reads:
            threading.Thread(target=self._read, daemon=True).start()

    def _write(self, data):
        with self.sending:
            self.socket.sendall(data)

    def _take(self, size):
        data = bytearray()
        while len(data) < size:
            try:
                piece = self.socket.recv(size - len(data))
            except TimeoutError:
                continue  # It is for those who write.
            if not piece:
                raise OSError("closed")
            data += piece
        return bytes(data)

    def _read(self):
        try:
            while True:
                head = self._take(9)
                (size,), kind, flags = struct.unpack("!I", b"\0" + head[:3]), head[3], head[4]
                stream = struct.unpack("!I", head[5:])[0] & LARGEST_WINDOW
                self._got(kind, flags, stream, self._take(size))
        except (OSError, struct.error) as error:
            self._close(str(error))

    def _got(self, kind, flags, stream, body):
        if kind == PING and not flags & ACK:
            self._write(frame(PING, ACK, 0, body))
        with self.changed:
            if kind == SETTINGS and not flags & ACK:
                for at in range(0, len(body), 6):
                    name, value = struct.unpack("!HI", body[at : at + 6])
                    if name == INITIAL_WINDOW_SIZE:
                        self.rooms = {open: room + value - self.stream_room for open, room in self.rooms.items()}
                        self.stream_room = value
                self._write(frame(SETTINGS, ACK, 0))
            elif kind == WINDOW_UPDATE:
                (grown,) = struct.unpack("!I", body)
                if stream:
                    self.rooms[stream] = self.rooms.get(stream, self.stream_room) + grown
                else:
                    self.room += grown
            elif kind == RST_STREAM:
                self.ended.setdefault(stream, f"reset {struct.unpack('!I', body)[0]}")
            elif kind in (HEADERS, DATA) and flags & END_STREAM:
                self.ended.setdefault(stream, "answered")
            elif kind == GOAWAY:
                self.closed = f"sent away: {body[8:60].decode(errors='replace')}"
            self.changed.notify_all()

    def _close(self, why):
        with self.changed:
            self.closed = self.closed or why
            self.changed.notify_all()

    def call(self, method, headers=(), end=False):
        """Begins a call; `end` for one without a message."""
        fields = [(b":method", b"POST"), (b":scheme", b"http"), (b":path", (SERVICE + method).encode())]
        fields += [(b":authority", self.authority), (b"content-type", b"application/grpc"), (b"te", b"trailers"), *headers]
        block = b"".join(b"\0" + text(name) + text(value) for name, value in fields)
        with self.changed:
            stream, self.next = self.next, self.next + 2
            self.rooms[stream] = self.stream_room
            self._write(frame(HEADERS, END_HEADERS | end, stream, block))
        return stream

    def send(self, stream, body, end=False, patience=30):
        """Sends what the server takes; gives how many bytes those were."""
        sent, view = 0, memoryview(body)
        while sent < len(view):
            with self.changed:
                ready = lambda: self.over(stream) or min(self.room, self.rooms[stream]) > 0
                if not self.changed.wait_for(ready, patience) or self.over(stream):
                    return sent
                # Several frames at once.
                size = min(self.room, self.rooms[stream], len(view) - sent, 16 * FRAME_BYTES)
                self.room, self.rooms[stream] = self.room - size, self.rooms[stream] - size
            pieces = range(sent, sent + size, FRAME_BYTES)
            last = END_STREAM if end and sent + size == len(view) else 0
            self._write(
                b"".join(
                    frame(DATA, last if at == pieces[-1] else 0, stream, bytes(view[at : min(at + FRAME_BYTES, sent + size)]))
                    for at in pieces
                )
            )
            sent += size
        return sent

    def cancel(self, stream):
        self._write(frame(RST_STREAM, 0, stream, struct.pack("!I", CANCEL)))
        with self.changed:
            self.ended.setdefault(stream, "taken back")

    def over(self, stream):
        """How a call ended, if it did."""
        return self.ended.get(stream) or self.closed

    def wait(self, stream, seconds):
        """Waits for the end of a call; gives how it ended, or nothing."""
        with self.changed:
            self.changed.wait_for(lambda: self.over(stream), seconds)
            return self.over(stream)

    def close(self):
        self._close("left")
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

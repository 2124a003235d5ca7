"""A proxy before an S3-compatible store that fails as networks and stores do, by a seed."""

import http.client
import random
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONDITIONS = ("if-none-match", "if-match")
# Headers of one connection, which are not passed on.
OWN = ("connection", "transfer-encoding", "keep-alive")


class Faults:
    """What goes wrong, and how often: chances of one request between 0 and 1."""

    def __init__(self, seed: int = 1, chance: float = 0.0, conditions: bool = True) -> None:
        self.random = random.Random(seed)
        self.chance = chance
        self.conditions = conditions
        self.counted: Counter[str] = Counter()
        self.lock = threading.Lock()

    def next(self, method: str) -> str | None:
        """The fault of a request; `None` when it goes well."""
        kinds = ["late", "503", "429", "cut" if method == "GET" else "lost", "closed"]
        with self.lock:
            self.counted["requests"] += 1
            fault = self.random.choice(kinds) if self.random.random() < self.chance else None
            if fault:
                self.counted[fault] += 1
            return fault


class Proxy:
    """The proxy, listening on a port of its own while the block runs."""

    def __init__(self, store: tuple[str, int], faults: Faults) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
                self.send_response_only(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def refuse(self, status: int) -> None:
                self.answer(status, [("Content-Length", "0")], b"")

            def forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
                dropped = () if faults.conditions else CONDITIONS
                headers = {name: value for name, value in self.headers.items() if name.lower() not in (*OWN, *dropped)}
                connection = http.client.HTTPConnection(*store, timeout=30)
                try:
                    connection.request(self.command, self.path, body, headers)
                    response = connection.getresponse()
                    kept = [(name, value) for name, value in response.getheaders() if name.lower() not in OWN]
                    content = response.read()
                finally:
                    connection.close()
                if self.command != "HEAD":
                    kept = [(name, value) for name, value in kept if name.lower() != "content-length"]
                    kept.append(("Content-Length", str(len(content))))
                return response.status, kept, content

            def handle_one(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fault = faults.next(self.command)
                if fault in ("503", "429"):
                    return self.refuse(int(fault))
                if fault == "closed":
                    self.close_connection = True
                    return None
                if fault == "late":
                    time.sleep(0.2)
                status, headers, content = self.forward(body)
                if fault == "lost":
                    # What was asked for is done, and the answer says otherwise.
                    return self.refuse(503)
                if fault == "cut" and len(content) > 1:
                    self.answer(status, headers, content[: len(content) // 2])
                    self.close_connection = True
                    return None
                return self.answer(status, headers, content)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_one

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    def __enter__(self) -> str:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return "http://127.0.0.1:%d" % self.server.server_address[1]

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

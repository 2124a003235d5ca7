"""Sockets that say nothing, or next to nothing, at every door: whoever knocks is let in.

    strangers.py HOST PORT PID
"""

import os
import resource
import socket
import sys
import time

import psycopg

HOST, PORT, PID = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
COUNT = 700
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)


def listening():
    """The ports that the process listens on."""
    inodes = set()

    for name in os.listdir(f"/proc/{PID}/fd"):
        try:
            inodes.add(os.readlink(f"/proc/{PID}/fd/{name}"))
        except OSError:
            pass
    ports = []
    with open(f"/proc/{PID}/net/tcp") as table:
        for line in list(table)[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                ports.append(int(fields[1].split(":")[1], 16))
    return ports


def flood(port, word):
    sockets = []
    for _ in range(COUNT):
        try:
            client = socket.create_connection((HOST, port), timeout=10)
            if word:
                client.sendall(word)
            sockets.append(client)
        except OSError:
            pass  # It was sent away while it spoke.
    return sockets


def main():
    held, faults = [], []
    for port in listening():
        for word in (b"", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /metrics HTTP/1.1\r\nHost: x\r\n"):
            held += flood(port, word)
            began = time.monotonic()
            try:
                with psycopg.connect(f"host={HOST} port={PORT} user=tt dbname=tt", connect_timeout=20) as client:
                    client.execute("SELECT count(*) FROM pg_class").fetchall()
                print(f"port {port}: {COUNT} that say {word[:3]!r}, and another is let in after {time.monotonic() - began:.2f} s")
            except psycopg.Error as error:
                faults.append(f"port {port}, {word[:3]!r}: {error}")
    for port in listening():
        # Each door still opens.
        with socket.create_connection((HOST, port), timeout=20) as client:
            client.settimeout(20)
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            said = client.recv(100)
            print(f"port {port} says {said[:15]!r}")
    for client in held:
        client.close()
    sys.exit("\n".join(faults) if faults else 0)


if __name__ == "__main__":
    main()

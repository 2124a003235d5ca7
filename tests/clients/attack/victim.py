"""The server under attack, as an innocent client sees it: it answers, and what it takes of memory."""

import multiprocessing
import os
import threading
import time

import psycopg

MEGABYTE = 1 << 20


class Victim:
    """Watches a server while something is done to it. `with victim.watched(NAME): ...` fails when the server died, kept
    another client waiting for longer than `patience`, or took more than `most` bytes."""

    def __init__(self, host, port, pid, most=1_400 * MEGABYTE, patience=20):
        self.dsn = f"host={host} port={port} user=tt dbname=tt"
        self.pid, self.most, self.patience = pid, most, patience
        self.longest = multiprocessing.Value("d", 0)
        self.refused = multiprocessing.Array("c", 300)
        self.peak = 0
        multiprocessing.Process(target=self._ask, daemon=True).start()
        threading.Thread(target=self._weigh, daemon=True).start()

    def _ask(self):
        while True:
            began = time.monotonic()
            try:
                with psycopg.connect(self.dsn, connect_timeout=30, autocommit=True) as client:
                    client.execute("SELECT count(*) FROM pg_class").fetchall()
            except psycopg.Error as error:
                self.refused.value = str(error).encode()[:299]
            self.longest.value = max(self.longest.value, time.monotonic() - began)
            time.sleep(0.1)

    def resident(self):
        """Bytes that the server has taken; what it only maps, its own program, the system may have back at any time."""
        with open(f"/proc/{self.pid}/statm") as statm:
            resident, shared = map(int, statm.read().split()[1:3])
            return (resident - shared) * os.sysconf("SC_PAGE_SIZE")

    def _weigh(self):
        while True:
            try:
                self.peak = max(self.peak, self.resident())
            except (OSError, IndexError):
                return
            if self.peak > 4 * self.most:
                os.kill(self.pid, 9)  # The machine has other work.
            time.sleep(0.01)

    def check(self, name, act):
        """Does `act` and says what it did to the server; gives the faults."""
        self.peak, self.longest.value, self.refused.value = 0, 0, b""
        began = time.monotonic()
        told = act()
        time.sleep(0.15)
        took, faults = time.monotonic() - began, []
        try:
            self.resident()
        except (OSError, IndexError):
            faults.append("the server is gone")
        if self.peak > self.most:
            faults.append(f"{self.peak // MEGABYTE} MB resident")
        if self.longest.value > self.patience:
            faults.append(f"another client waited {self.longest.value:.1f} s")
        if self.refused.value:
            faults.append(f"another client was refused: {self.refused.value.decode(errors='replace')}")
        mark = "FAILED " + "; ".join(faults) if faults else "ok"
        print(f"{name:18} {took:6.2f} s  {self.peak // MEGABYTE:5} MB  others {self.longest.value:5.2f} s  {told}  {mark}", flush=True)
        return [f"{name}: {fault}" for fault in faults]

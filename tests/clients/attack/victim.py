"""The server under attack, as an innocent client sees it: it answers, and what it takes of memory."""

import multiprocessing
import os
import threading
import time

import psycopg

MEGABYTE = 1 << 20


class Victim:
    """Watches a server while something is done to it. `check(NAME, act)` finds a fault when the server died, kept another
    client waiting for longer than `patience`, or took more than `most` bytes. Others ask over Postgres, and over Flight where
    its port is given; with a password they log in, over Flight for a token."""

    def __init__(self, host, port, pid, most=1_400 * MEGABYTE, patience=20, flight=None, user="tt", password=""):
        self.dsn = f"host={host} port={port} user={user} dbname=tt password='{password}'"
        self.flight, self.login = f"grpc://{host}:{flight}", (user, password)
        self.pid, self.most, self.patience = pid, most, patience
        self.longest = multiprocessing.Value("d", 0)
        self.refused = multiprocessing.Array("c", 300)
        self.peak, self.faults = 0, []
        # When each of them asked what is not answered yet.
        self.asked = []
        for client in [self._ask_postgres] + [self._ask_flight] * (flight is not None):
            self.asked.append(multiprocessing.Value("d", 0))
            multiprocessing.Process(target=client, args=(self.asked[-1],), daemon=True).start()
        threading.Thread(target=self._weigh, daemon=True).start()

    def _ask(self, asked, ask, errors):
        while True:
            asked.value = time.monotonic()
            try:
                ask()
            except errors as error:
                self.refused.value = str(error).encode()[:299]
            with self.longest.get_lock():
                self.longest.value = max(self.longest.value, time.monotonic() - asked.value)
            asked.value = 0
            time.sleep(0.1)

    def _ask_postgres(self, asked):
        def ask():
            with psycopg.connect(self.dsn, connect_timeout=30, autocommit=True) as client:
                client.execute("SELECT count(*) FROM pg_class").fetchall()

        self._ask(asked, ask, psycopg.Error)

    def _ask_flight(self, asked):
        # Not in the process that forks: what this starts would not be in the others.
        import pyarrow
        from pyarrow import flight

        with flight.connect(self.flight) as client:
            headers = [client.authenticate_basic_token(*self.login)] if self.login[1] else []
        options = flight.FlightCallOptions(headers=headers, timeout=30)
        wanted = flight.FlightDescriptor.for_command("SELECT count(*) FROM pg_class")

        def ask():
            with flight.connect(self.flight) as client:
                info = client.get_flight_info(wanted, options)
                client.do_get(info.endpoints[0].ticket, options).read_all()

        self._ask(asked, ask, (pyarrow.ArrowException, flight.FlightError, OSError))

    def resident(self):
        """Bytes that the server has taken; what it only maps, its own program, the system may have back at any time."""
        with open(f"/proc/{self.pid}/statm") as statm:
            resident, shared = map(int, statm.read().split()[1:3])
            return (resident - shared) * os.sysconf("SC_PAGE_SIZE")

    def lives(self):
        try:
            return self.resident() > 0
        except (OSError, IndexError):
            return False

    def busy(self, seconds=0.3):
        """The share of one processor that the server takes, over so many seconds."""

        def spent():
            with open(f"/proc/{self.pid}/stat") as stat:
                return sum(map(int, stat.read().rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")

        before = spent()
        time.sleep(seconds)
        return (spent() - before) / seconds

    def _weigh(self):
        while True:
            try:
                self.peak = max(self.peak, self.resident())
            except (OSError, IndexError):
                return
            if self.peak > 4 * self.most:
                os.kill(self.pid, 9)  # The machine has other work.
            time.sleep(0.01)

    def _waits(self, until):
        """Seconds that a client has waited which asked before `until`."""
        since = [asked.value for asked in self.asked]
        return max((time.monotonic() - asked for asked in since if 0 < asked < until), default=0)

    def fault(self, sentence):
        """Adds to the faults of the check that runs."""
        self.faults.append(sentence)

    def check(self, name, act, patience=None, most=None):
        """Does `act` and says what it did to the server; gives the faults. Others may have less patience for once, and there
        may be less room."""
        patience, most = patience or self.patience, most or self.most
        self.peak, self.faults, self.longest.value, self.refused.value = 0, [], 0, b""
        began, told = time.monotonic(), ""
        try:
            told = act()
        except OSError as error:
            self.fault(f"{type(error).__name__}: {error}")
        time.sleep(0.15)
        took, waited = time.monotonic() - began, 0
        # Whoever asked meanwhile is answered, or has waited too long.
        while waited <= patience and (now := self._waits(began + took)):
            waited = now
            time.sleep(0.02)
        waited, faults = max(waited, self.longest.value), self.faults
        if not self.lives():
            faults.append("the server is gone")
        if self.peak > most:
            faults.append(f"{self.peak // MEGABYTE} MB resident")
        if waited > patience:
            faults.append(f"another client waited {waited:.1f} s")
        if self.refused.value:
            faults.append(f"another client was refused: {self.refused.value.decode(errors='replace')}")
        mark = "FAILED " + "; ".join(faults) if faults else "ok"
        print(f"{name:18} {took:6.2f} s  {self.peak // MEGABYTE:5} MB  others {waited:5.2f} s  {told}  {mark}", flush=True)
        return [f"{name}: {fault}" for fault in faults]

    def settled(self, name, before, idle=None, more=200 * MEGABYTE):
        """Waits until memory is as it was, give or take so much more, and the processors are, where `idle` says what share
        of one the server took before; gives the faults."""
        until, left, busy, peak = time.monotonic() + 30, 0, 0, self.peak
        try:
            while (left := self.resident()) > before + more and time.monotonic() < until:
                time.sleep(0.2)
            while idle is not None and (busy := self.busy()) > idle + 0.5 and time.monotonic() < until:
                pass
        except (OSError, IndexError):
            pass
        faults = []
        if not self.lives():
            faults.append("the server is gone afterwards")
        if self.peak > max(self.most, peak):
            faults.append(f"{self.peak // MEGABYTE} MB resident")
        if left > before + more:
            faults.append(f"{left // MEGABYTE} MB are kept")
        if idle is not None and busy > idle + 0.5:
            faults.append("the server goes on for half a minute with what nobody waits for")
        told = "" if idle is None else f", {busy:.0%} of a processor"
        mark = "FAILED " + "; ".join(faults) if faults else ""
        print(f"{name:18} afterwards {left // MEGABYTE} MB{told}  {mark}".rstrip(), flush=True)
        return [f"{name}: {fault}" for fault in faults]

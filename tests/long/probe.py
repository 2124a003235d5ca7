"""One quiet client of a server: how long a lookup and an aggregate take while others are at work.

    probe.py PORT FILE

Appends a line for each statement to FILE: the moment, which statement, how long in milliseconds. Runs until it is ended.
A process of its own, so that the other clients' work is not measured.
"""

import sys
import time

import psycopg

STATEMENTS = {
    "point": "SELECT bid, ask FROM quotes WHERE symbol = 'SPY'",
    "aggregate": "SELECT count(*), avg(close), max(volume) FROM eod WHERE date >= date '2024-06-01'",
}
PAUSE_SECONDS = 0.1


def main() -> None:
    port, file = int(sys.argv[1]), open(sys.argv[2], "a", buffering=1)
    with psycopg.connect(host="127.0.0.1", port=port, user="tt", dbname="tt", autocommit=True) as connection:
        connection.execute("SET freshness = 'serve'")
        while True:
            for name, sql in STATEMENTS.items():
                began = time.monotonic()
                connection.execute(sql, prepare=True).fetchall()
                now = time.monotonic()
                file.write(f"{now:.3f} {name} {(now - began) * 1000:.3f}\n")
                time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main()

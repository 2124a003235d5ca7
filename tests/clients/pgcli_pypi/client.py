"""pgcli on a terminal of its own: it fills its completer, describes a table, and shows rows.

    pip install -r requirements.txt
    python client.py                       # the server's address comes from PGHOST, PGPORT, PGUSER and PGDATABASE

Prints `ok`; the first thing that is not shown is an exception.
"""

import os
import sys
import tempfile
from pathlib import Path

import pexpect


def main() -> int:
    """One session."""
    host, port, user, database = (os.environ[name] for name in ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE"))
    with tempfile.TemporaryDirectory() as home:
        config = Path(home, "config")
        config.write_text("[main]\nless_chatty = True\nenable_pager = False\nprompt = 'tt> '\nmulti_line = False\n")
        environment = os.environ | {"HOME": home, "XDG_CONFIG_HOME": home, "TERM": "dumb", "LC_ALL": "C.UTF-8"}
        command = [str(Path(sys.executable).with_name("pgcli")), "-h", host, "-p", port, "-U", user, "-d", database, "--no-password", "--pgclirc", str(config)]
        shell = pexpect.spawn(command[0], command[1:], env=environment, timeout=20, encoding="utf-8", dimensions=(60, 200))
        # The prompt is drawn anew with every key: what is shown is what counts.
        shell.expect("tt> ")
        for line, *shown in (
            ("\\dt", "option_chains", "symbols"),
            ("\\dv", "movers", "returns_daily"),
            ("\\d eod", "close", "double precision", "eod_pkey"),
            ("\\dn", "live", "system"),
            ("\\l", "tt"),
            ("\\df array_upper", "array_upper"),
            ("select symbol, type from symbols where symbol = 'SPY';", "etf"),
            ("select nosuch from eod;", "does not exist"),
            ("select count(*) from eod where symbol = 'AAPL' and close > 0;", "SELECT 1"),
        ):
            shell.sendline(line)
            for part in shown:
                shell.expect_exact(part)
        shell.sendline("\\q")
        shell.expect(pexpect.EOF)
        shell.close()
        log = list(Path(home).rglob("log"))
        text = log[0].read_text() if log else ""
    if "ERROR" in text and "nosuch" not in text.split("ERROR", 1)[1]:
        raise AssertionError(text[-2000:])
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())

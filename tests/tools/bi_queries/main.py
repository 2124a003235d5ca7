"""More of what graphical tools send, beyond what they send when they start: statements with recorded columns and rows.

    python main.py [--record] [TOOL...]   # TT_ROOT, and the server's address as psql takes it

The files are written and compared as those of tests/clients/startup_sql, whose program this runs.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, os.environ["TT_ROOT"] + "/tests/clients/startup_sql")
import client

client.HERE = Path(__file__).parent
sys.exit(client.main())

"""The database: the target table, the staging table and upsert, the ledger."""

from __future__ import annotations

import sys

# psycopg2 imports ssl to see whether Python has set up OpenSSL, and leaves that to libpq where it
# cannot (libcrypto_threads_init). That import takes longer than loading a small item.
_HIDDEN = "ssl" not in sys.modules
if _HIDDEN:
    sys.modules["ssl"] = None  # type: ignore[assignment]
try:
    import psycopg2  # noqa: F401
finally:
    if _HIDDEN:
        del sys.modules["ssl"]

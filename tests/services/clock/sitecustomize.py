"""A machine whose clock is moved: every Python that starts with this folder on its path is ahead by
as many seconds as the file CLOCK says. The file may change at any moment, also in the middle of
what a process does.
"""

import os
import threading
import time
from pathlib import Path

import time_machine

REAL = time_machine.escape_hatch.time
PATH = Path(os.environ["CLOCK"])
ahead = float(PATH.read_text())
traveller = time_machine.travel(time.time() + ahead, tick=True).start()
time.time()  # it ticks from the first time it is asked


def watch() -> None:
    global ahead
    while True:
        time.sleep(0.02)
        said = float(PATH.read_text())
        if said != ahead:
            ahead = said
            traveller.move_to(REAL.time() + said)
            time.time()


def follow() -> None:
    threading.Thread(target=watch, daemon=True).start()


follow()
os.register_at_fork(after_in_child=follow)  # threads stay behind in the parent

"""Writes the issue that tests compare with anew: `python -m tests.drafting.golden [--show]`."""

import os
import sys

import django


def main() -> None:
    """Write the day of `news` where the test looks for it, or to standard output."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from digest import hugo
    from tests.drafting.test_composing import GOLDEN, the_day

    content = hugo.write(the_day().document)
    if "--show" in sys.argv:
        sys.stdout.buffer.write(content)
    else:
        GOLDEN.write_bytes(content)


if __name__ == "__main__":
    main()

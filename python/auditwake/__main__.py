"""`python -m auditwake` is the command `auditwake`."""

import sys

from auditwake.cli import main

if __name__ == "__main__":
    sys.exit(main())

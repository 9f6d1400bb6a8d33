"""``python -m einspec``: the command line."""

import sys

from einspec.cli import main

if __name__ == "__main__":
    sys.exit(main())

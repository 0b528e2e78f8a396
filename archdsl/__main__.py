"""`python -m archdsl`."""

import sys

from archdsl.commands.cli import main

if __name__ == "__main__":
    sys.exit(main())

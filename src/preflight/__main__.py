"""`python -m preflight`."""

import sys

from preflight import cli

if __name__ == "__main__":
    sys.exit(cli.main())

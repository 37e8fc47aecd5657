"""`python -m stack up`."""

import sys

from stack.up import up

if __name__ == "__main__":
    if sys.argv[1:] != ["up"]:
        sys.exit("usage: python -m stack up")
    sys.exit(up())

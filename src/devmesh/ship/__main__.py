"""`python -m devmesh.ship`, and the one file devmesh-shipper.pyz."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from typing import Optional, Sequence

from devmesh.ship.agent import run
from devmesh.ship.errors import OptionsError
from devmesh.ship.options import parse

EXIT_OPTIONS = 2


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run until SIGTERM or SIGINT; the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        return run(parse(arguments), stop)
    except OptionsError as error:
        print(f"devmesh-shipper: {error}", file=sys.stderr)
        return EXIT_OPTIONS


if __name__ == "__main__":
    sys.exit(main())

"""The entry point `devmesh`, and `python -m devmesh`."""

import signal


def main() -> None:
    """Load the command line and run it."""
    interrupted = signal.getsignal(signal.SIGINT)
    if interrupted is signal.default_int_handler:  # until it is loaded nothing has begun: Ctrl-C just ends the process
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from devmesh.cli.app import main as run

    signal.signal(signal.SIGINT, interrupted)
    run()


if __name__ == "__main__":
    main()

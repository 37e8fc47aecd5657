"""`python -m bench [NAME ...] [--json]`."""

import argparse
import signal
import sys
from collections.abc import Callable

from bench import app_proxy, deploy, memory, post, queue, runtime
from bench.report import Report, machine_facts, print_json, print_report
from stack.errors import StackError

BENCHES: dict[str, Callable[[], Report]] = {
    "deploy": deploy.measure,
    "post": post.measure,
    "memory": memory.measure,
    "runtime": runtime.measure,
    "queue": queue.measure,
    "app_proxy": app_proxy.measure,
}


def main(arguments: list[str] | None = None) -> int:
    """Run the named benches, or all; a bench that cannot run ends with one line and code 1."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure what the README quotes.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHES)}")
    parser.add_argument("--json", action="store_true", help="one JSON line per bench instead of tables")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in BENCHES]:
        parser.error(f"no bench is called {unknown[0]}; there are {', '.join(BENCHES)}")
    if not options.json:
        print("\n".join(machine_facts()))
    # As Ctrl-C does: what a bench made is removed before the process ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        for name in options.names or BENCHES:
            report = BENCHES[name]()
            print_json(name, report) if options.json else print_report(name, report)
    except StackError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`make up`: start an install, show that it works, look after it until the operator stops it."""

import sys
import time

from stack.errors import StackError
from stack.home import Home
from stack.install import STEPS, Install, close_gateway
from stack.logs import say
from stack.ready import remove_ready
from stack.roles import STOP_ORDER
from stack.settings import StackSettings, read_settings
from stack.supervisor import StopRequested, Supervisor


def up() -> int:
    """Run an install in the foreground; return the exit code of the process."""
    began_at = time.monotonic()
    try:
        settings = read_settings()
        home = Home(settings.home)
        home.create()
        with home.locked():
            return _run(settings, home, began_at)
    except StackError as error:
        print(f"berth: {error}", file=sys.stderr)
        return error.exit_code


def _run(settings: StackSettings, home: Home, began_at: float) -> int:
    remove_ready(home.ready_file)
    supervisor = Supervisor(home.logs)
    supervisor.listen_for_signals()
    install = Install(settings, home, supervisor, home.load_state())
    try:
        for step in STEPS:
            step(install)
        supervisor.settle(install.publish)
        install.publish()
        _announce(install, time.monotonic() - began_at)
        supervisor.run()
    except StopRequested:
        say("stack", "stopping")
    finally:
        remove_ready(home.ready_file)
        supervisor.stop(STOP_ORDER)
        close_gateway(install)
        supervisor.stop(("dockerd",))
    return 0


def _announce(install: Install, seconds: float) -> None:
    note = install.note
    if note is None:
        return
    lines = (
        f"Berth is ready after {seconds:.1f} s.",
        f"  Open      {note.url}",
        f"  Sign in   {note.email} / {note.password}",
        f"  Demo tool {note.demo_url}",
        "  Stop      Ctrl-C",
    )
    for line in lines:
        say("stack", line)

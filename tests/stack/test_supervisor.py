"""The supervisor on small real processes: restarts, order, output, and nothing left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stack import supervisor as module
from stack.errors import StackError
from stack.ports import wait_until
from stack.process import Command
from stack.supervisor import StopRequested, Supervisor

SLEEP = "import time; print('up', flush=True); time.sleep(60)"


def python(code: str) -> Command:
    return Command((sys.executable, "-c", code), Path.cwd())


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    wakeup, handlers = signal.set_wakeup_fd(-1), {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        handlers[number] = signal.getsignal(number)
    made = Supervisor(tmp_path)
    made.listen_for_signals()
    yield made
    made.stop(tuple(made.pids()))
    signal.set_wakeup_fd(wakeup)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def turn_until(supervisor: Supervisor, is_done: Callable[[], object]) -> None:
    def turned() -> bool:
        supervisor.turn(0.05)
        return bool(is_done())

    assert wait_until(turned, 20, pause=0)


def test_killed_child_is_started_again_and_reported(supervisor: Supervisor) -> None:
    restarts: list[dict[str, int]] = []
    supervisor.start("web", python(SLEEP))
    supervisor.settle(lambda: restarts.append(supervisor.pids()))
    before = supervisor.pids()["web"]
    os.kill(before, signal.SIGKILL)
    turn_until(supervisor, lambda: restarts)
    assert restarts[0]["web"] != before


def test_crash_loop_slows_down(supervisor: Supervisor, capsys: pytest.CaptureFixture[str]) -> None:
    restarts: list[None] = []
    supervisor.start("web", python("raise SystemExit(3)"))
    supervisor.settle(lambda: restarts.append(None))
    turn_until(supervisor, lambda: len(restarts) >= 2)
    said = capsys.readouterr().out
    assert "again in 0.2 s" in said
    assert "again in 0.4 s" in said


def test_exit_while_starting_is_an_error_with_the_last_words(supervisor: Supervisor) -> None:
    supervisor.start("web", python("print('no such setting'); raise SystemExit(1)"))
    with pytest.raises(StackError, match="web ended with code 1: no such setting"):
        supervisor.wait_ready("web", lambda: False, 20)


def test_child_that_is_never_ready_is_an_error(supervisor: Supervisor) -> None:
    supervisor.start("web", python(SLEEP))
    with pytest.raises(StackError, match="web was not ready"):
        supervisor.wait_ready("web", lambda: False, 0.2)


def test_command_that_runs_once_returns_its_code_and_last_line(supervisor: Supervisor) -> None:
    command = python("print('first'); print('last'); raise SystemExit(4)")
    assert supervisor.run_once("migrate", command) == (4, "last")
    assert supervisor.pids() == {}


def test_output_goes_to_terminal_and_file(
    supervisor: Supervisor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    supervisor.run_once("migrate", python("print('one'); print('two', end='')"))
    assert (tmp_path / "migrate.log").read_text() == "one\ntwo\n"
    assert capsys.readouterr().out == "migrate  | one\nmigrate  | two\n"


NOTE_STOP = """
import pathlib, signal, sys, time
def note(*_):
    with pathlib.Path(sys.argv[1]).open("a") as file:
        file.write(sys.argv[2])
    sys.exit()
signal.signal(signal.SIGTERM, note)
print("up", flush=True)
time.sleep(60)
"""


def test_children_stop_in_the_order_asked(supervisor: Supervisor, tmp_path: Path) -> None:
    for role in ("valkey", "web", "worker"):
        argv = (sys.executable, "-c", NOTE_STOP, str(tmp_path / "order"), f"{role} ")
        supervisor.start(role, Command(argv, Path.cwd()))
    turn_until(supervisor, lambda: all((tmp_path / f"{role}.log").read_text() for role in supervisor.pids()))
    supervisor.stop(("web", "worker", "valkey"))
    assert (tmp_path / "order").read_text() == "web worker valkey "


def test_child_that_ignores_the_stop_signal_is_killed(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOP_SECONDS", 0.2)
    supervisor.start("web", python(f"import signal; signal.signal(15, signal.SIG_IGN); {SLEEP}"))
    turn_until(supervisor, lambda: (tmp_path / "web.log").read_text())
    pid = supervisor.pids()["web"]
    supervisor.stop(("web",))
    assert not Path(f"/proc/{pid}").exists()


def test_sigterm_asks_to_stop(supervisor: Supervisor) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(StopRequested):
        supervisor.run()


def test_nothing_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    code = f"""
import sys, pathlib
from stack.supervisor import Supervisor
from stack.process import Command
supervisor = Supervisor(pathlib.Path({str(tmp_path)!r}))
supervisor.start("web", Command((sys.executable, "-c", {SLEEP!r}), pathlib.Path.cwd()))
print(supervisor.pids()["web"], flush=True)
supervisor.run()
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert wait_until(lambda: (tmp_path / "web.log").read_text() == "up\n", 20)
    parent.kill()
    parent.communicate()
    assert wait_until(lambda: is_gone(pid), 10)


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True

"""Keeps child processes running: starts them, reads their output, starts again what ends, stops in order.

One thread, one loop, the standard library only. A child is known by its process id and nothing else is
ever signalled. Each child is told by the kernel when this process dies, so that nothing is left behind.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from stack import process
from stack.errors import StackError
from stack.logs import RoleLog, say
from stack.process import Command

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
STEADY_SECONDS = 10.0
STOP_SECONDS = 15.0
HURRIED_STOP_SECONDS = 3.0
TURN_SECONDS = 1.0
ASK_SECONDS = 0.1
DRAIN_PORTIONS = 16
PORTION_BYTES = 65_536


class StopRequested(Exception):
    """The operator asked to stop (Ctrl-C, SIGTERM, or the terminal went away)."""


class Child:
    """One role: its command, its process of the moment, and when to start it again."""

    def __init__(self, role: str, command: Command, log: RoleLog) -> None:
        self.role = role
        self.command = command
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self.due_at = 0.0
        self._started_at = 0.0
        self._pause_seconds = FIRST_PAUSE_SECONDS
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._read_end, False)

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self.process.pid if self.process is not None and self.process.poll() is None else None

    def fileno(self) -> int:
        """Where its output is read, for the selector."""
        return self._read_end

    def start(self) -> None:
        """Start the process; its output joins that of the one before it."""
        self.process = process.spawn(self.command, self._write_end)
        self._started_at = time.monotonic()

    def drain(self) -> None:
        """Take the output that is waiting, in portions: one talkative child must not hold up the loop."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(DRAIN_PORTIONS):
                self.log.feed(os.read(self._read_end, PORTION_BYTES))

    def plan_restart(self) -> float:
        """Decide when to start again: at once after a steady run, later and later in a crash loop."""
        if time.monotonic() - self._started_at > STEADY_SECONDS:
            self._pause_seconds = FIRST_PAUSE_SECONDS
        pause, self._pause_seconds = self._pause_seconds, min(self._pause_seconds * 2, LONGEST_PAUSE_SECONDS)
        self.due_at = time.monotonic() + pause
        return pause

    def close(self) -> None:
        """Release the pipe and the log file after the process has ended."""
        self.drain()
        os.close(self._read_end)
        os.close(self._write_end)
        self.log.close()


class Supervisor:
    """The children of one `make up`. While starting, an exit is an error; once settled, it is repaired."""

    def __init__(self, log_folder: Path) -> None:
        self._log_folder = log_folder
        self._on_restart: Callable[[], None] = lambda: None
        self._children: dict[str, Child] = {}
        self._settled = False
        self._stop_requests = 0
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._selector.register(self._wake_read, selectors.EVENT_READ)

    def listen_for_signals(self) -> None:
        """Take SIGINT, SIGTERM and SIGHUP as a request to stop, and wake at once when a child ends."""
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._request_stop)

    def pids(self) -> dict[str, int]:
        """Process ids of the running children by role."""
        return {role: child.pid for role, child in self._children.items() if child.pid is not None}

    def start(self, role: str, command: Command) -> None:
        """Start a child that is to run until the end."""
        child = Child(role, command, RoleLog(role, self._log_folder))
        self._children[role] = child
        self._selector.register(child, selectors.EVENT_READ)
        child.start()

    def wait_ready(self, role: str, is_ready: Callable[[], bool], seconds: float) -> None:
        """Turn the loop until a child is ready; StackError when it ends or takes too long."""
        deadline = time.monotonic() + seconds
        while not is_ready():
            if time.monotonic() > deadline:
                raise StackError(
                    f"{role} was not ready after {seconds:.0f} s, see {self._log_folder}/{role}.log"
                )
            self.turn(0.05)

    def run_once(self, role: str, command: Command) -> tuple[int, str]:
        """Run a command to its end, the others looked after meanwhile; return its code and last line."""
        self.start(role, command)
        child = self._children[role]
        try:
            while child.pid is not None:
                self.turn(TURN_SECONDS, finishing=role)
        finally:
            code = self._stop_child(child)
        return code, child.log.last_line

    def settle(self, on_restart: Callable[[], None] = lambda: None) -> None:
        """From now on a child that ends is started again, and then this is called."""
        self._settled = True
        self._on_restart = on_restart

    def run(self) -> None:
        """Look after the children until the operator asks to stop."""
        while True:
            self.turn(TURN_SECONDS)

    def turn(self, seconds: float, finishing: str = "") -> None:
        """Wait for output, a signal or a due restart; then handle what happened."""
        for key, _ in self._selector.select(self._next_wait(seconds)):
            if isinstance(key.fileobj, Child):
                key.fileobj.drain()
            else:
                self._forget_wakeups()
        if self._stop_requests:
            raise StopRequested
        for child in list(self._children.values()):
            if child.role != finishing:
                self._look_after(child)

    def stop(self, roles: tuple[str, ...]) -> None:
        """Stop these children in this order; another request to stop meanwhile hastens it."""
        self._settled, self._stop_requests = False, 0
        for child in [self._children[role] for role in roles if role in self._children]:
            self._stop_child(child)

    def _look_after(self, child: Child) -> None:
        if child.process is None:
            if time.monotonic() >= child.due_at:
                child.start()
                self._on_restart()
        elif (code := child.process.poll()) is not None:
            child.drain()
            reason = f"{child.role} ended with {_describe(code)}"
            if not self._settled:
                raise StackError(f"{reason}: {child.log.last_line or 'it said nothing'}")
            child.process = None
            say("stack", f"{reason}; starting it again in {child.plan_restart():.1f} s")

    def _next_wait(self, seconds: float) -> float:
        due = [child.due_at for child in self._children.values() if child.process is None]
        return max(0.0, min([seconds, *(at - time.monotonic() for at in due)]))

    def _stop_child(self, child: Child) -> int:
        """End a child if it still runs, forget it, and return its exit code."""
        if child.process is not None and child.process.poll() is None:
            child.process.send_signal(child.command.stop_signal)
            self._await_end(child, child.process)
        self._selector.unregister(child)
        del self._children[child.role]
        child.close()
        return child.process.returncode if child.process is not None else 1

    def _await_end(self, child: Child, running: "subprocess.Popen[bytes]") -> None:
        asked_at = time.monotonic()
        while running.poll() is None:
            if time.monotonic() - asked_at > (HURRIED_STOP_SECONDS if self._stop_requests else STOP_SECONDS):
                say("stack", f"{child.role} does not stop; killing it")
                running.kill()
                running.wait()
            for key, _ in self._selector.select(0.05):
                if isinstance(key.fileobj, Child):
                    key.fileobj.drain()
                else:
                    self._forget_wakeups()

    def _request_stop(self, *_: object) -> None:
        self._stop_requests += 1

    def _forget_wakeups(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._wake_read, 4096):
                pass


def _describe(code: int) -> str:
    return f"code {code}" if code >= 0 else signal.Signals(-code).name

"""Child processes with their output in files: nobody has to read along while something is measured."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from stack import process
from stack.errors import StackError
from stack.ports import wait_until
from stack.process import Command


class Children:
    """Starts and stops an install's processes as its supervisor does; one that ends is not started again."""

    def __init__(self, log_folder: Path) -> None:
        self._log_folder = log_folder
        self._running: dict[str, tuple[Command, subprocess.Popen[bytes]]] = {}

    def pids(self) -> dict[str, int]:
        """Process ids by role."""
        return {role: running.pid for role, (_, running) in self._running.items()}

    def start(self, role: str, command: Command) -> None:
        """Start a child that is to run until the end."""
        self._running[role] = (command, self._spawn(role, command))

    def wait_ready(self, role: str, is_ready: Callable[[], bool], seconds: float) -> None:
        """Return when a child is ready; StackError when it ends or takes too long."""
        _, running = self._running[role]
        wait_until(lambda: running.poll() is not None or is_ready(), seconds)
        if running.poll() is not None or not is_ready():
            raise StackError(f"{role} did not become ready: {self._last_line(role)}")

    def run_once(self, role: str, command: Command) -> tuple[int, str]:
        """Run a command to its end; return its code and last line."""
        code = self._spawn(role, command).wait()
        return code, self._last_line(role)

    def require_alive(self) -> None:
        """StackError when a child has ended: what is measured after that is not what was meant."""
        for role, (_, running) in self._running.items():
            if running.poll() is not None:
                raise StackError(f"{role} ended: {self._last_line(role)}")

    def rest(self, seconds: float) -> None:
        """Let the children idle."""
        time.sleep(seconds)
        self.require_alive()

    def stop(self, last: tuple[str, ...]) -> None:
        """End every child, the named ones last and in this order."""
        for role in sorted(self._running, key=lambda role: last.index(role) if role in last else -1):
            command, running = self._running.pop(role)
            process.stop(running, command.stop_signal)

    def _spawn(self, role: str, command: Command) -> "subprocess.Popen[bytes]":
        log = os.open(self._file(role), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            return process.spawn(command, log)
        finally:
            os.close(log)

    def _file(self, role: str) -> Path:
        return self._log_folder / f"{role}.log"

    def _last_line(self, role: str) -> str:
        lines = self._file(role).read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

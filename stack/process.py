"""Child processes: how one is described, started, and ended without touching anybody else's."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stack.account import Account

STOP_GRACE_SECONDS = 20.0


@dataclass(frozen=True)
class Command:
    """A program to run as a child: arguments, folder, environment, user, and the signal that ends it."""

    argv: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM

    def full_environment(self) -> dict[str, str]:
        """This process's environment with the command's own on top."""
        return {**os.environ, **self.environment}


def spawn(command: Command, output: int | None = None) -> "subprocess.Popen[bytes]":
    """Start a child in its own session; it gets its stop signal should this process die first.

    Call from the main thread: the kernel sends the signal when the starting thread ends.
    """
    account = command.account
    return subprocess.Popen(
        [*_die_with_parent(command.stop_signal), *command.argv],
        cwd=command.folder,
        env=command.full_environment(),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        start_new_session=True,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def _die_with_parent(stop_signal: signal.Signals) -> list[str]:
    """Prefix that arms the parent-death signal and then becomes the program, keeping its process id."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return []
    return [setpriv, "--pdeathsig", stop_signal.name.removeprefix("SIG"), "--"]


def stop(process: "subprocess.Popen[bytes]", stop_signal: signal.Signals = signal.SIGTERM) -> None:
    """End one child by its stop signal, by SIGKILL when it does not obey in time."""
    if process.poll() is not None:
        return
    process.send_signal(stop_signal)
    try:
        process.wait(STOP_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def stop_orphan(pid_file: Path, program: Path, stop_signal: signal.Signals) -> None:
    """End the server that a killed supervisor left behind, known by its pid file, program and folder."""
    pid = _read_pid(pid_file)
    if pid is None or not _is_ours(pid, program, pid_file.parent):
        return
    print(f"Stopping {program.name} (pid {pid}), left behind by an earlier run.")
    deadline = time.monotonic() + STOP_GRACE_SECONDS
    os.kill(pid, stop_signal)
    while _is_ours(pid, program, pid_file.parent):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _read_pid(pid_file: Path) -> int | None:
    try:
        return int(pid_file.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _is_ours(pid: int, program: Path, folder: Path) -> bool:
    """A pid may have been given to another process since; the program and folder must match too."""
    try:
        running = Path(os.readlink(f"/proc/{pid}/exe"))
        return running == program.resolve() and Path(os.readlink(f"/proc/{pid}/cwd")) == folder.resolve()
    except OSError:
        return False

"""The output of the child processes: prefixed by role on the terminal, and one rotated file per role."""

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

FILE_LIMIT_BYTES = 5_000_000
LONGEST_LINE_BYTES = 64_000
ROLE_WIDTH = 8
UNSHOWN_FIELDS = {"logger", "request_id"}
# Lines of other programs that mean nothing to the person at the terminal; the role's file keeps them.
UNSHOWN_TEXTS = (
    "the database system is starting up",
    "level=info msg=",
    "Memory overcommit must be enabled",
)


class RoleLog:
    """Turns the bytes of one role into lines, for the terminal and for its file."""

    def __init__(self, role: str, folder: Path) -> None:
        self.last_line = ""
        self._role = role
        self._path = folder / f"{role}.log"
        self._file = self._open()
        self._partial = b""

    def feed(self, data: bytes) -> None:
        """Take what the process wrote; whole lines go out, the rest waits."""
        *lines, self._partial = (self._partial + data).split(b"\n")
        if len(self._partial) > LONGEST_LINE_BYTES:
            lines, self._partial = [*lines, self._partial], b""
        for line in lines:
            self._write(line.decode(errors="replace").rstrip())

    def close(self) -> None:
        """Write what is left and close the file."""
        if self._partial:
            self.feed(b"\n")
        os.close(self._file)

    def _write(self, line: str) -> None:
        self.last_line = line or self.last_line
        if not any(text in line for text in UNSHOWN_TEXTS):
            say(self._role, humanise(line))
        os.write(self._file, f"{line}\n".encode())
        if os.fstat(self._file).st_size > FILE_LIMIT_BYTES:
            self._rotate()

    def _rotate(self) -> None:
        os.close(self._file)
        os.replace(self._path, self._path.with_suffix(".log.1"))
        self._file = self._open()

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def humanise(line: str) -> str:
    """A structured line as a person reads it; any other line as it is. The file keeps what was written."""
    entry = _parse(line)
    if not entry.keys() >= {"at", "level", "message"}:
        return line
    clock, level, message = entry.pop("at")[11:19], entry.pop("level"), entry.pop("message")
    if message == "request" and entry.keys() >= {"method", "path", "status", "ms"}:
        return f"{clock} {entry['method']} {entry['path']} {entry['status']} {entry['ms']} ms"
    details = [f"{name}={value}" for name, value in entry.items() if name not in UNSHOWN_FIELDS]
    return " ".join([clock, *([] if level == "info" else [level.upper()]), message, *details])


def _parse(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line) if line.startswith("{") else {}
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def say(role: str, line: str) -> None:
    """Print one line for the person at the terminal; a closed terminal stops nothing."""
    with contextlib.suppress(OSError, ValueError):
        print(f"{role:<{ROLE_WIDTH}} | {line}", file=sys.stdout, flush=True)

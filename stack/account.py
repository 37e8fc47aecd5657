"""The system user that runs PostgreSQL and Valkey when Berth itself runs as root.

PostgreSQL refuses to run as root; a server that needs no privilege gets none.
"""

import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from stack.errors import StackError

ACCOUNT_NAME = "berth"


@dataclass(frozen=True)
class Account:
    """An unprivileged system user by number."""

    name: str
    uid: int
    gid: int


def ensure_account() -> Account | None:
    """Return the unprivileged user for the servers, creating it on first use; None when not root."""
    if os.geteuid() != 0:
        return None
    entry = _find_entry() or _create_entry()
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _find_entry() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(ACCOUNT_NAME)
    except KeyError:
        return None


def _create_entry() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"]
    result = subprocess.run([*command, ACCOUNT_NAME], capture_output=True, text=True, check=False)
    entry = _find_entry()
    if entry is None:
        raise StackError(f"cannot create the system user {ACCOUNT_NAME}: {result.stderr.strip()}")
    print(f"Created the system user {ACCOUNT_NAME}: PostgreSQL and Valkey run as it, not as root.")
    return entry


def give(path: Path, account: Account | None) -> None:
    """Hand one file or folder to the account; nothing when not root."""
    if account is not None:
        os.chown(path, account.uid, account.gid)


def write_private(path: Path, text: str, account: Account | None = None) -> None:
    """Replace a file that only its owner may read; it is never readable by others in between."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    give(path, account)


def make_private_folder(path: Path, account: Account | None) -> None:
    """Create a folder that only the account can read, reachable through its parents."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    give(path, account)
    make_reachable(path, account)


def make_reachable(path: Path, account: Account | None) -> None:
    """Let the account pass through the parents of a path: o+x where it is missing, never o+r."""
    if account is None:
        return
    for parent in path.resolve().parents:
        status = parent.stat()
        if not _may_enter(status, account):
            parent.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXOTH)
            print(f"Made {parent} passable (o+x) for the system user {account.name}.")


def _may_enter(status: os.stat_result, account: Account) -> bool:
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)

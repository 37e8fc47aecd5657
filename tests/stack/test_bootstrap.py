"""The environment's script: it does nothing twice and says in one line what is wrong."""

import hashlib
import subprocess
import sys
from pathlib import Path

from stack.settings import CHECKOUT


def bootstrap(folder: Path, *locks: str) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, str(CHECKOUT / "stack" / "bootstrap.py"), *locks]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)


def stamp(folder: Path, lock: str) -> None:
    (folder / ".venv").mkdir(exist_ok=True)
    digest = hashlib.sha256(sys.version.encode() + (folder / lock).read_bytes()).hexdigest()
    (folder / ".venv" / ".lock").write_text(digest)


def test_installed_lock_is_not_installed_again(tmp_path: Path) -> None:
    (tmp_path / "runtime.lock").write_text("first")
    (tmp_path / "dev.lock").write_text("second")
    stamp(tmp_path, "dev.lock")
    done = bootstrap(tmp_path, "runtime.lock", "dev.lock")
    assert (done.returncode, done.stdout) == (0, "")


def test_package_without_its_hash_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "runtime.lock").write_text("flask==3.1.3\n")
    done = bootstrap(tmp_path, "runtime.lock")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "hash" in done.stderr.lower()
    assert not (tmp_path / ".venv" / ".lock").exists()

"""Creates or refreshes `.venv` from a lock file: `python3 stack/bootstrap.py requirements.lock ...`.

Runs under the machine's own Python before anything is installed, hence the standard library only. The
first lock whose packages are installed already wins, so that `make up` keeps what `make test` installed.
"""

import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import types
from pathlib import Path
from typing import NoReturn

VENV = Path(".venv")
STAMP = VENV / ".lock"
OLDEST_PYTHON = (3, 11)


def main(locks: list[str]) -> None:
    """Leave `.venv` holding exactly what one of the locks says; exit 2 when that cannot be."""
    if sys.version_info < OLDEST_PYTHON:
        refuse(
            f"Python {'.'.join(map(str, OLDEST_PYTHON))} or newer is needed, this is {sys.version.split()[0]}"
        )
    signal.signal(signal.SIGTERM, interrupt)
    if STAMP.exists() and STAMP.read_text() in [digest(Path(lock)) for lock in locks]:
        return
    # Others than the owner must be able to run what is installed: PostgreSQL does not run as root.
    os.umask(0o022)
    if not (VENV / "bin" / "python").exists():
        create_venv()
    install(Path(locks[0]))
    STAMP.write_text(digest(Path(locks[0])))


def digest(lock: Path) -> str:
    """What the environment is made from: the lock and the interpreter."""
    return hashlib.sha256(sys.version.encode() + lock.read_bytes()).hexdigest()


def create_venv() -> None:
    """Create the environment, with Debian's missing part installed first where that is ours to do."""
    if importlib.util.find_spec("ensurepip") is None:
        install_venv_package()
    print("Creating .venv", flush=True)
    run([sys.executable, "-m", "venv", str(VENV)])


def install_venv_package() -> None:
    """Debian and Ubuntu ship the venv module's installer as a package of its own."""
    package = "python3-venv"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        refuse(f"this Python cannot create a virtual environment: run `sudo apt-get install -y {package}`")
    print(f"This Python cannot create a virtual environment: installing {package}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "-q", "update"], environment)
    run(["apt-get", "-q", "install", "-y", "--no-install-recommends", package], environment)


def install(lock: Path) -> None:
    """Install the lock's packages, each checked against its hash."""
    print(f"Installing the packages of {lock}", flush=True)
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement", str(lock)])


def run(argv: list[str], environment: dict[str, str] | None = None) -> None:
    """Run a command; when it fails, end with its last words."""
    result = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        said = [line for line in (result.stdout + result.stderr).splitlines() if line.strip()]
        refuse(f"`{' '.join(argv[:4])} ...` failed with code {result.returncode}: {' / '.join(said[-3:])}")


def interrupt(number: int, frame: types.FrameType | None) -> NoReturn:
    """Leave by an exception, so that the command of the moment is ended first."""
    sys.exit(128 + number)


def refuse(reason: str) -> NoReturn:
    """Say why and end."""
    print(f"berth: {reason}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)

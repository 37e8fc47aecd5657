"""Packs the Datasette example with its wheels: `python -m examples.datasette.pack datasette.tar.gz`.

The wheels are fetched here, on the host, each checked against the lock, so that the build in the engine
needs no network.
"""

import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from stack.packing import pack

FOLDER = Path(__file__).parent
FILES = ("Dockerfile", "requirements.lock", "start.py", "planets.csv")
# The base image is Python 3.11 where it is pulled, else the one of the machine's own release.
PYTHON_VERSIONS = ("3.11", "3.12", "3.13")
GLIBC_TAGS = ("manylinux2014", "manylinux_2_17", "manylinux_2_28")


def main(archive: Path) -> None:
    """Write the build artifact; CalledProcessError when a wheel cannot be fetched."""
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        for name in FILES:
            shutil.copyfile(FOLDER / name, context / name)
        for version in PYTHON_VERSIONS:
            download_wheels(version, context / "wheels")
        pack(context, archive)


def download_wheels(python_version: str, folder: Path) -> None:
    """Fetch the locked wheels for this machine's processor and one version of Python."""
    platforms = [part for tag in GLIBC_TAGS for part in ("--platform", f"{tag}_{platform.machine()}")]
    pip = [sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check", "--no-deps"]
    options = ["--only-binary", ":all:", "--require-hashes", "--python-version", python_version, *platforms]
    lock = ["--requirement", str(FOLDER / "requirements.lock"), "--dest", str(folder)]
    subprocess.run([*pip, *options, *lock], check=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m examples.datasette.pack ARCHIVE")
    main(Path(sys.argv[1]))

"""Build artifacts: a folder as a gzip tar that is the same, byte for byte, whenever it is made."""

import gzip
import tarfile
from collections.abc import Iterator
from pathlib import Path

SKIPPED = {"__pycache__", "templates"}


def pack(folder: Path, archive: Path) -> None:
    """Write the folder's files, sorted, without owners and times, to a `.tar.gz`."""
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in _files(folder):
            tar.add(path, str(path.relative_to(folder)), recursive=False, filter=_plain)


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not SKIPPED.intersection(path.relative_to(folder).parts):
            yield path


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.mtime = entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o755 if entry.mode & 0o100 else 0o644
    return entry

"""Uploaded gzip tars: looked through before use, because anybody may have made them."""

import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from deploy_runner.build_context import ContextWriter, require_inner_path
from deploy_runner.dockerfiles import SITE_FOLDER
from deploy_runner.errors import StepError

_UNREADABLE = (tarfile.TarError, zlib.error, EOFError)


@dataclass(frozen=True)
class ArtifactLimits:
    members: int = 100_000
    archive_bytes: int = 1024**3
    unpacked_bytes: int = 4 * 1024**3


def inspect_artifact(archive: Path, limits: ArtifactLimits) -> set[str]:
    """Return the names of its files; raises StepError when it is unsafe, oversized or not a gzip tar."""
    if archive.stat().st_size > limits.archive_bytes:
        raise StepError("The build artifact is too large.")
    names: set[str] = set()
    symlinks: set[str] = set()
    unpacked = 0
    with _open_archive(archive) as members:
        for count, member in enumerate(members, start=1):
            unpacked += member.size
            if count > limits.members or unpacked > limits.unpacked_bytes:
                raise StepError("The build artifact holds too many files or too many bytes.")
            name = _require_safe(member, symlinks)
            (symlinks if member.issym() else names).add(name)
    return names


@contextmanager
def _open_archive(archive: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(archive, "r|gz") as members:
            yield members
    except _UNREADABLE as error:
        raise StepError("The build artifact is not a readable gzip tar archive.") from error


def _require_safe(member: tarfile.TarInfo, symlinks: set[str]) -> str:
    name = require_inner_path(member.name, "The artifact's file")
    if not (member.isfile() or member.isdir() or member.issym() or member.islnk()):
        raise StepError(f"The artifact's file {name[:200]!r} is a device or pipe, which is not allowed.")
    if member.issym():
        require_inner_path(_resolve_link(name, member.linkname), "The artifact's link")
    if member.islnk():
        require_inner_path(member.linkname, "The artifact's link")
    if any(str(parent) in symlinks for parent in PurePosixPath(name).parents):
        raise StepError(f"The artifact's file {name[:200]!r} lies behind a link, which is not allowed.")
    return name


def _resolve_link(name: str, target: str) -> str:
    """Where a symbolic link leads, seen from the top of the archive; what climbs too far keeps its `..`."""
    if target.startswith("/"):
        return target
    resolved: list[str] = []
    for part in (*PurePosixPath(name).parent.parts, *PurePosixPath(target).parts):
        if part == ".." and resolved and resolved[-1] != "..":
            resolved.pop()
        else:
            resolved.append(part)
    return "/".join(resolved) or "."


def copy_as_site(archive: Path, writer: ContextWriter) -> None:
    """Copy an inspected artifact's members under `site/`."""
    with _open_archive(archive) as members:
        for member in members:
            _copy_member(member, members.extractfile(member) if member.isreg() else None, writer)


def _copy_member(member: tarfile.TarInfo, content: IO[bytes] | None, writer: ContextWriter) -> None:
    name = str(PurePosixPath(SITE_FOLDER, member.name))
    if content is not None:
        writer.add_file(name, content, member.size, is_executable=bool(member.mode & 0o100))
    elif member.isdir():
        writer.add_folder(name)
    elif member.issym():
        writer.add_link(name, member.linkname, is_symbolic=True)
    else:
        writer.add_link(name, str(PurePosixPath(SITE_FOLDER, member.linkname)), is_symbolic=False)

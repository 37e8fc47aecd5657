"""What a build is sent: one tar stream, written member by member."""

import io
import tarfile
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

from deploy_runner.errors import StepError


@dataclass(frozen=True)
class Bases:
    """The images that generated Dockerfiles start from."""

    python: str = "berth/python:3.11"
    node: str = "node"


@dataclass(frozen=True)
class BuildContext:
    stream: IO[bytes]
    dockerfile: str = "Dockerfile"
    is_gzip: bool = False


class ContextWriter:
    """Writes members that root owns and everybody may read, whatever the source said."""

    def __init__(self, target: IO[bytes]) -> None:
        self._tar = tarfile.open(fileobj=target, mode="w")  # noqa: SIM115 (closed by `finish`)

    def add_text(self, name: str, text: str) -> None:
        self.add_file(name, io.BytesIO(text.encode()), len(text.encode()), is_executable=False)

    def add_file(self, name: str, content: IO[bytes], size: int, *, is_executable: bool) -> None:
        member = tarfile.TarInfo(name)
        member.size = size
        member.mode = 0o755 if is_executable else 0o644
        self._tar.addfile(member, content)

    def add_folder(self, name: str) -> None:
        member = tarfile.TarInfo(name)
        member.type, member.mode = tarfile.DIRTYPE, 0o755
        self._tar.addfile(member)

    def add_link(self, name: str, target: str, *, is_symbolic: bool) -> None:
        member = tarfile.TarInfo(name)
        member.type = tarfile.SYMTYPE if is_symbolic else tarfile.LNKTYPE
        member.linkname, member.mode = target, 0o777
        self._tar.addfile(member)

    def finish(self) -> None:
        self._tar.close()


def require_inner_path(path: str, what: str) -> str:
    """Return the path without `.` and doubled slashes; raises StepError when it leads outside."""
    parsed = PurePosixPath(path)
    if parsed.is_absolute() or ".." in parsed.parts or "\0" in path:
        raise StepError(f"{what} {path[:200]!r} leads outside of the source.")
    return str(parsed)

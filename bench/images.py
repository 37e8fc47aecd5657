"""The images of the bench tools, made from the base image without a registry."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docker

from bench.cleaning import bench_repository
from bench.install import Bench
from stack.base_image import IMAGE
from stack.errors import StackError

SERVER = Path(__file__).with_name("tool") / "server.py"

# A web server of 2 MB that is up at once: the less a tool itself takes, the more of the time is Berth's.
_BUSYBOX = f"""\
FROM {IMAGE} AS base
FROM scratch
COPY --from=base /bin/busybox /bin/busybox
COPY healthz /www/healthz
EXPOSE 8080
CMD ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"]
"""
_PYTHON = f"""\
FROM {IMAGE}
COPY server.py /server.py
CMD ["python3", "/server.py"]
"""


def make_busybox(bench: Bench) -> str:
    """The reference of an image that answers `/healthz` from a file."""
    return _build(bench, "busybox", {"Dockerfile": _BUSYBOX, "healthz": "ok\n"})


def make_python(bench: Bench) -> str:
    """The reference of an image that keeps connections open and streams."""
    return _build(bench, "python", {"Dockerfile": _PYTHON, "server.py": SERVER.read_text()})


def pack_context(files: Mapping[str, str], is_gzip: bool = False) -> bytes:
    """A build context as a tar, gzipped where it stands for an artifact."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz" if is_gzip else "w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text.encode()), 0o644
            archive.addfile(member, io.BytesIO(text.encode()))
    return content.getvalue()


def build(client: docker.APIClient, tag: str, context: bytes, **options: Any) -> None:
    """Build and tag; StackError with the builder's words when it fails."""
    messages = client.build(
        fileobj=io.BytesIO(context),
        custom_context=True,
        tag=tag,
        rm=True,
        forcerm=True,
        decode=True,
        **options,
    )
    for message in messages:
        if "error" in message:
            raise StackError(f"the image {tag} of the bench could not be built: {message['error']}")


def _build(bench: Bench, name: str, files: Mapping[str, str]) -> str:
    tag = f"{bench_repository(bench.id)}-{name}:1"
    build(bench.engine, tag, pack_context(files))
    return tag

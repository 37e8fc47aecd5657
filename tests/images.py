"""An image that needs no registry: busybox alone, a web server whose pages are small scripts."""

import io
import secrets
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker

REPOSITORY = "berth-test/busybox"
APPLETS = (
    "cat",
    "chmod",
    "date",
    "echo",
    "env",
    "false",
    "hexdump",
    "httpd",
    "ls",
    "mkdir",
    "nc",
    "printf",
    "sh",
    "sleep",
    "touch",
    "true",
    "wget",
)
# What a page does is said by its query, so that one image serves as many different tools.
PAGES = {
    "env": ("hexdump -ve '1/1 \"%02x\"' /proc/1/environ",),
    "note": ('[ -z "$QUERY_STRING" ] || echo "$QUERY_STRING" >> /data/notes', "cat /data/notes"),
    "say": ('echo "out $QUERY_STRING" > /proc/1/fd/1', 'echo "err $QUERY_STRING" >&2', "echo said"),
    "leak": ('echo "my key is $VENDO_API_KEY" > /proc/1/fd/1', "echo leaked"),
    "reach": (
        'nc -w 3 "${QUERY_STRING%:*}" "${QUERY_STRING##*:}" </dev/null >/dev/null 2>&1',
        '[ "$?" = 0 ] && echo open || echo closed',
    ),
    "hang": ("sleep 30",),
}
_HEAD = ("#!/bin/sh", "echo 'Content-Type: text/plain'", "echo")
_STATUS = ("#!/bin/sh", 'echo "Status: $QUERY_STRING Chosen"', "echo 'Location: /'", "echo")


@contextmanager
def imported_busybox(engine: docker.APIClient, folder: Path) -> Iterator[str]:
    """The reference of a 2 MB image, removed at the end."""
    tag, archive = secrets.token_hex(4), folder / "image.tar"
    _write_image(_find_binary(folder), archive)
    engine.import_image(src=str(archive), repository=REPOSITORY, tag=tag, changes=["LABEL berth.test=1"])
    image_id = engine.inspect_image(f"{REPOSITORY}:{tag}")["Id"]  # type: ignore[no-untyped-call]
    yield f"{REPOSITORY}:{tag}"
    # By id: a name would only be taken off an image that still runs, and the image stay without one.
    engine.remove_image(image_id, force=True)


def _find_binary(folder: Path) -> Path:
    subprocess.run(
        ["apt-get", "download", "-qq", "busybox-static"], cwd=folder, check=True, capture_output=True
    )
    package = next(folder.glob("busybox-static*.deb"))
    subprocess.run(["dpkg-deb", "-x", package, folder / "package"], check=True)
    return folder / "package" / "bin" / "busybox"


def _write_image(binary: Path, archive: Path) -> None:
    with tarfile.open(archive, "w") as image:
        image.add(binary, "bin/busybox")
        for applet in APPLETS:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            image.addfile(link)
        _add_text(image, "etc/passwd", "root:x:0:0::/:/bin/sh\n", 0o644)
        _add_text(image, "www/index.html", "hello\n", 0o644)
        scripts = {"status": _STATUS, **{name: (*_HEAD, *lines) for name, lines in PAGES.items()}}
        for name, lines in scripts.items():
            _add_text(image, f"www/cgi-bin/{name}", "\n".join(lines) + "\n", 0o755)


def _add_text(image: tarfile.TarFile, name: str, text: str, mode: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(text), mode
    image.addfile(member, io.BytesIO(text.encode()))

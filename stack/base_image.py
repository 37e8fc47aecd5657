"""The Python base image of the examples: pulled where a registry answers, else built from Debian packages.

Runs as a child of the supervisor: `python -m stack.base_image`.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from stack import engine
from stack.engine_api import EngineApi, EngineError
from stack.errors import StackError

REPOSITORY = "berth/python"
TAG = "3.11"
IMAGE = f"{REPOSITORY}:{TAG}"
UPSTREAM = ("python", "3.11.13-slim-bookworm")
PULL_STALL_SECONDS = 15.0
IMPORT_SECONDS = 120.0
PACKAGES = ("base-files", "busybox-static", "ca-certificates", "libpython3-stdlib", "python3")
CHANGES = (
    "LABEL berth.base=python",
    "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin PYTHONUNBUFFERED=1",
    'CMD ["python3"]',
)
# The packages are unpacked, not configured: what their scripts would have made, and no trace of the mirror.
FINISH_TREE = """
for applet in $("$1/bin/busybox" --list); do
    [ -e "$1/bin/$applet" ] || [ -e "$1/usr/bin/$applet" ] || ln -s /bin/busybox "$1/usr/bin/$applet"
done
[ -e "$1/bin/sh" ] || ln -s busybox "$1/bin/sh"
cat "$1"/usr/share/ca-certificates/mozilla/*.crt > "$1/etc/ssl/certs/ca-certificates.crt"
printf 'root:x:0:0::/root:/bin/sh\\nnobody:x:65534:65534::/nonexistent:/bin/false\\n' > "$1/etc/passwd"
printf 'root:x:0:\\nnogroup:x:65534:\\n' > "$1/etc/group"
chroot "$1" python3 -m compileall -q -x 'lib2to3|idlelib|distutils|pydoc_data' /usr/lib/python3* || true
rm -rf "$1"/etc/apt/sources.list* "$1"/var/lib/apt "$1"/var/cache/apt "$1"/var/lib/dpkg
"""
CHUNK_BYTES = 1 << 20


def main() -> int:
    """Make the base image available, saying how."""
    try:
        ensure_base_image(engine.configured_host())
    except StackError as error:
        print(error)
        return error.exit_code
    return 0


def exists(api: EngineApi) -> bool:
    """Whether the engine has the image already."""
    try:
        api.call("GET", f"/images/{IMAGE}/json")
    except EngineError as error:
        if error.status == 404:
            return False
        raise
    return True


def ensure_base_image(docker_host: str) -> None:
    """Pull or build the image when the engine does not have it; StackError when neither works."""
    if exists(engine.api(docker_host)):
        return
    if _pull(engine.api(docker_host, PULL_STALL_SECONDS)):
        print(f"{IMAGE} is {':'.join(UPSTREAM)}")
        return
    print(f"No registry answers: building {IMAGE} from this machine's Debian packages")
    _build(engine.api(docker_host, IMPORT_SECONDS))
    print(f"{IMAGE} is built")


def _pull(api: EngineApi) -> bool:
    """The time limit is for silence: a slow download that goes on is not cut."""
    name, tag = UPSTREAM
    try:
        answer = api.call("POST", f"/images/create?fromImage={name}&tag={tag}")
        if not isinstance(answer, dict) or "error" in answer:
            return False
        api.call("POST", f"/images/{name}:{tag}/tag?repo={REPOSITORY}&tag={TAG}")
    except EngineError:
        return False
    return True


def _build(api: EngineApi) -> None:
    if shutil.which("mmdebstrap") is None:
        _install_mmdebstrap()
    query = [("fromSrc", "-"), ("repo", REPOSITORY), ("tag", TAG), *(("changes", line) for line in CHANGES)]
    with tempfile.TemporaryFile() as tar:
        _make_tree(tar)
        tar.seek(0)
        answer = api.call("POST", f"/images/create?{urllib.parse.urlencode(query)}", content=_chunks(tar))
    if isinstance(answer, dict) and "error" in answer:
        raise StackError(f"the engine refused the base image: {answer['error']}")


def _install_mmdebstrap() -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise StackError(
            f"the image {IMAGE} cannot be pulled or built here: install mmdebstrap "
            f"(`sudo apt-get install -y mmdebstrap`), or tag a Python image as {IMAGE}"
        )
    print("Installing mmdebstrap")
    engine.apt_install("mmdebstrap")


def _make_tree(tar: IO[bytes]) -> None:
    argv = ["mmdebstrap", "--quiet", "--variant=extract", "--format=tar", f"--include={','.join(PACKAGES)}"]
    with _sources() as sources:
        result = subprocess.run(
            [*argv, f"--extract-hook={FINISH_TREE}", _suite(), "-", str(sources)],
            stdout=tar,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    if result.returncode != 0:
        reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise StackError(f"the base image could not be built: {reason}")


def _suite() -> str:
    """This machine's release: its mirror surely has it."""
    return platform.freedesktop_os_release().get("VERSION_CODENAME") or "bookworm"


@contextmanager
def _sources() -> Iterator[Path]:
    """The machine's own apt sources of its own release, as one file for mmdebstrap."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sources.list"
        path.write_text("".join(f"{line}\n" for line in read_sources(Path("/etc/apt"))))
        yield path


def read_sources(folder: Path) -> list[str]:
    """Return the `deb` lines of apt's sources, of both formats."""
    lines = [line for path in _files(folder, "list") for line in path.read_text().splitlines()]
    found = [line.strip() for line in lines if re.match(r"\s*deb\s", line)]
    for path in _files(folder, "sources"):
        for stanza in re.split(r"\n\s*\n", path.read_text()):
            found.extend(_stanza_lines(stanza))
    return found


def _files(folder: Path, kind: str) -> list[Path]:
    main = [folder / "sources.list"] if kind == "list" and (folder / "sources.list").is_file() else []
    return [*main, *sorted((folder / "sources.list.d").glob(f"*.{kind}"))]


def _stanza_lines(stanza: str) -> Iterator[str]:
    pairs = (line.partition(":") for line in stanza.splitlines() if not line.startswith(("#", " ")))
    fields = {name.strip().lower(): value.split() for name, _, value in pairs}
    if "deb" not in fields.get("types", ()) or fields.get("enabled") == ["no"]:
        return
    keys = "".join(f" [signed-by={key}]" for key in fields.get("signed-by", ())[:1])
    for uri in fields.get("uris", ()):
        for suite in fields.get("suites", ()):
            yield f"deb{keys} {uri} {suite} {' '.join(fields.get('components', ()))}"


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


if __name__ == "__main__":
    sys.exit(main())

"""The base image: where its packages come from, and what it can do."""

from pathlib import Path

from stack.base_image import ensure_base_image, exists, read_sources
from stack.engine_api import EngineApi
from tests.stack.containers import run_container

OLD_FORMAT = """
# a comment
deb http://mirror.example/debian bookworm main
deb-src http://mirror.example/debian bookworm main
"""
NEW_FORMAT = """
Types: deb deb-src
# a comment
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/archive.gpg

Types: deb
URIs: http://other.example
Suites: sid
Components: main
Enabled: no
"""


def test_sources_of_both_formats_are_read(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(OLD_FORMAT)
    (tmp_path / "sources.list.d" / "debian.sources").write_text(NEW_FORMAT)
    signed = "deb [signed-by=/usr/share/keyrings/archive.gpg] http://mirror.example/debian"
    assert read_sources(tmp_path) == [
        "deb http://mirror.example/debian bookworm main",
        f"{signed} bookworm main contrib",
        f"{signed} bookworm-updates main contrib",
    ]


def test_image_is_made_once(api: EngineApi, base: str) -> None:
    before = api.call("GET", f"/images/{base}/json")["Id"]
    ensure_base_image(api.docker_host)
    assert exists(api)
    assert api.call("GET", f"/images/{base}/json")["Id"] == before


def test_python_in_the_image_has_tls_and_sqlite(api: EngineApi, base: str) -> None:
    code = "import http.server, sqlite3, ssl; print(len(ssl.create_default_context().get_ca_certs()) > 50)"
    assert run_container(api, base, "none", ["python3", "-c", code]).strip() == b"True"

"""A registry on loopback with one image of one layer, which may hang instead of answering."""

import gzip
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
UNKNOWN = b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}'
LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass
class Registry:
    """`reference` names its image; `publish` moves the tag to other content."""

    port: int = 0
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifest: bytes = b""
    hanging: threading.Event | None = None

    @property
    def reference(self) -> str:
        return f"127.0.0.1:{self.port}/berth-test/tool:1"

    def publish(self, text: str) -> None:
        layer = _make_layer(text)
        packed = gzip.compress(layer, mtime=0)
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {},
                "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
            }
        ).encode()
        self.blobs |= {digest(packed): packed, digest(config): config}
        self.manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "config": {"mediaType": CONFIG_TYPE, "size": len(config), "digest": digest(config)},
                "layers": [{"mediaType": LAYER_TYPE, "size": len(packed), "digest": digest(packed)}],
            }
        ).encode()

    def find(self, path: str) -> tuple[str, bytes] | None:
        if path == "/v2/":
            return "application/json", b"{}"
        name = path.rpartition("/")[2]
        if "/manifests/" in path and name in ("1", digest(self.manifest)):
            return MANIFEST_TYPE, self.manifest
        if name in self.blobs:
            return "application/octet-stream", self.blobs[name]
        return None


def _make_layer(text: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as layer:
        member = tarfile.TarInfo("file")
        member.size = len(text)
        layer.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


@contextmanager
def run_registry() -> Iterator[Registry]:
    registry = Registry()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            registry.requests.append((self.path, self.headers.get("Authorization")))
            if registry.hanging is not None:
                registry.hanging.wait(30)
            found = registry.find(self.path)
            kind, content = found or ("application/json", UNKNOWN)
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Docker-Content-Digest", digest(content))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *args: Any) -> None:
            """The requests are recorded above."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    registry.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield registry
    server.shutdown()
    server.server_close()
    thread.join(5)

"""A Git repository behind a real server on loopback."""

import io
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from dulwich.objects import Blob, Commit, Tree
from dulwich.repo import Repo
from dulwich.server import DictBackend
from dulwich.web import make_wsgi_chain


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Nobody reads a test server's access log."""

    def get_stderr(self) -> IO[str]:
        """Nor what it says of requests that it refuses, which is part of the tests."""
        return io.StringIO()


class QuietServer(WSGIServer):
    def handle_error(self, *args: Any) -> None:
        """A client that hangs up early is part of the tests."""


@dataclass
class Origin:
    url: str
    repo: Repo

    def commit(self, files: dict[str, str], branch: str = "main", links: dict[str, str] | None = None) -> str:
        """Add a commit with exactly these files on the branch and return its id."""
        modes = {**dict.fromkeys(files, 0o100644), **dict.fromkeys(links or {}, 0o120000)}
        tree = self._add_tree({**files, **(links or {})}, modes, "")
        made = Commit()
        name = f"refs/heads/{branch}".encode()
        made.tree, made.parents = tree, [self.repo.refs[name]] if name in self.repo.refs else []
        made.author = made.committer = b"Test <test@berth.example>"
        made.commit_time = made.author_time = 1_700_000_000
        made.commit_timezone = made.author_timezone = 0
        made.message = b"commit"
        self.repo.object_store.add_object(made)
        self.repo.refs[name] = made.id
        return made.id.decode()

    def _add_tree(self, texts: dict[str, str], modes: dict[str, int], prefix: str) -> bytes:
        tree = Tree()
        names = {path.removeprefix(prefix).split("/")[0] for path in texts if path.startswith(prefix)}
        for name in names:
            path = prefix + name
            if path in texts:
                blob = Blob.from_string(texts[path].encode())
                self.repo.object_store.add_object(blob)
                tree.add(name.encode(), modes[path], blob.id)
            else:
                tree.add(name.encode(), 0o040000, self._add_tree(texts, modes, f"{path}/"))
        self.repo.object_store.add_object(tree)
        return tree.id


@contextmanager
def serve_origin(folder: Path, tls: ssl.SSLContext | None = None) -> Iterator[Origin]:
    """An empty repository whose default branch is `main`, over HTTP, or HTTPS with a server context."""
    folder.mkdir()
    repo = Repo.init_bare(folder)
    repo.refs.set_symbolic_ref(b"HEAD", b"refs/heads/main")
    application = make_wsgi_chain(DictBackend({"/tool.git": repo}))
    server = make_server("127.0.0.1", 0, application, QuietServer, QuietHandler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Origin(f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}/tool.git", repo)
    server.shutdown()
    server.server_close()
    thread.join(5)
    repo.close()

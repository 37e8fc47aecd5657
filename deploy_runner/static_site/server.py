"""Serves a folder of files; runs inside a static site's container with nothing but the standard library."""

import os
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class StaticSiteHandler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        if self.path.partition("?")[0] == "/healthz":
            self._answer_healthy()
        else:
            super().do_GET()

    def list_directory(self, path: str | os.PathLike[str]) -> None:
        """A folder without an index page shows nothing of its contents."""
        self.send_error(404)

    def _answer_healthy(self) -> None:
        body = b"ok\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class StaticSiteServer(ThreadingHTTPServer):
    request_queue_size = 128


def create_server(folder: str, port: int) -> StaticSiteServer:
    def create_handler(*args: Any) -> StaticSiteHandler:
        return StaticSiteHandler(*args, directory=folder)

    return StaticSiteServer(("", port), create_handler)


if __name__ == "__main__":
    create_server(sys.argv[1], int(os.environ["PORT"])).serve_forever()

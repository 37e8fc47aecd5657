"""A small deployed tool: one page that shows what Berth tells a tool about itself.

It calls Berth back with its own App Key, which it never shows, and needs nothing but Python.
"""

import html
import json
import os
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template
from typing import Any

BERTH_URL = os.environ.get("VENDO_API_URL", "")
APP_KEY = os.environ.get("VENDO_API_KEY", "")
GREETING = os.environ.get("GREETING", "Hello")
PAGE = Template(Path(__file__).with_name("page.html").read_text(encoding="utf-8"))
SHOWN = ("slug", "display_name", "category", "profile", "status")


def ask_berth(path: str) -> dict[str, Any]:
    """Return Berth's answer to this tool, or a reason why there is none."""
    request = urllib.request.Request(BERTH_URL + path, headers={"Authorization": f"Bearer {APP_KEY}"})
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            answer: dict[str, Any] = json.load(response)
            return answer
    except urllib.error.HTTPError as error:
        return {"error": f"Berth answered {error.code}"}
    except (OSError, ValueError) as error:
        return {"error": f"Berth did not answer: {type(error).__name__}"}


def read_state() -> dict[str, Any]:
    """What the page shows; entries are cut to public fields, since they carry credentials."""
    connections = ask_berth("/api/deployments/me/connections")
    balance = ask_berth("/api/billing/balance")
    return {
        "greeting": GREETING,
        "deployment": os.environ.get("VENDO_DEPLOYMENT_SLUG", ""),
        "connections": [
            {name: entry[name] for name in SHOWN} for entry in connections.get("connections", [])
        ],
        "balance_micros": balance.get("credits_remaining_micros", 0),
        "currency": balance.get("currency", "USD"),
        "errors": [answer["error"] for answer in (connections, balance) if "error" in answer],
    }


def render_page(state: dict[str, Any]) -> str:
    """The state as a page that needs no script."""
    rows = [_row(entry["display_name"], entry["status"]) for entry in state["connections"]]
    balance = f"{state['balance_micros'] / 1_000_000:.2f} {state['currency']}"
    return PAGE.substitute(
        greeting=html.escape(state["greeting"]),
        balance=html.escape(balance),
        connections="\n".join(rows) or "<li>none</li>",
        errors=html.escape("; ".join(state["errors"])),
    )


def _row(name: str, status: str) -> str:
    name, status = html.escape(name), html.escape(status)
    return f'<li><span>{name}</span><span class="tag {status}">{status}</span></li>'


class Handler(BaseHTTPRequestHandler):
    """Three paths; everything else is unknown."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/":
            self._answer(200, "text/html; charset=utf-8", render_page(read_state()).encode())
        elif path == "/healthz":
            self._answer(200, "text/plain", b"ok\n")
        elif path == "/api/state":
            self._answer(200, "application/json", json.dumps(read_state()).encode())
        else:
            self._answer(404, "text/plain", b"not found\n")

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        if not self.path.startswith("/healthz"):
            print(format % args, flush=True)


if __name__ == "__main__":
    port = int(os.environ.get("PORT", "8080"))
    print(f"listening on {port}", flush=True)
    ThreadingHTTPServer(("", port), Handler).serve_forever()

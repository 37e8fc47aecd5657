"""Runs `python -m stack up` as the operator would, and removes what an install left in the engine."""

import json
import os
import signal
import subprocess
import sys
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack import gateway, ports
from stack.engine_api import EngineApi
from stack.ports import wait_until
from stack.settings import CHECKOUT


@dataclass
class Install:
    """A home, a port, and the supervisor of the moment."""

    folder: Path
    port: int
    process: "subprocess.Popen[str] | None" = None

    def start(self, **environment: str) -> "subprocess.Popen[str]":
        """Start the supervisor, its output in a file beside the home."""
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_HOST") if name in os.environ}
        own = {"BERTH_HOME": str(self.folder), "BERTH_PORT": str(self.port), "PYTHONDONTWRITEBYTECODE": "1"}
        with self.output_file.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stack", "up"],
                cwd=CHECKOUT,
                env={**inherited, **own, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )
        return self.process

    def run(self, **environment: str) -> tuple[int, str]:
        """Start the supervisor, wait for its end, return its code and last line."""
        code = self.start(**environment).wait(120)
        return code, self.output.strip().splitlines()[-1]

    def wait_ready(self, seconds: float = 180) -> dict[str, Any]:
        """Wait for the ready note and return it."""
        process = self.process
        assert process is not None
        assert wait_until(lambda: self.is_ready or process.poll() is not None, seconds), self.output[-3000:]
        assert self.is_ready, self.output[-3000:]
        return self.note

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ask the supervisor to stop and return its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)

    @property
    def output_file(self) -> Path:
        """What the supervisor printed."""
        return self.folder.with_name("output.txt")

    @property
    def output(self) -> str:
        """What the supervisor printed."""
        return self.output_file.read_text()

    @property
    def is_ready(self) -> bool:
        """Whether the ready note is there."""
        return (self.folder / "ready.json").exists()

    @property
    def note(self) -> dict[str, Any]:
        """The ready note."""
        found: dict[str, Any] = json.loads((self.folder / "ready.json").read_text())
        return found

    def running_processes(self) -> list[str]:
        """Processes of this machine that carry the home in their arguments, environment or folder."""
        own = {str(os.getpid())}
        return [path.name for path in Path("/proc").iterdir() if path.name.isdigit() and self._has(path, own)]

    def _has(self, process: Path, skipped: set[str]) -> bool:
        try:
            texts = [(process / "cmdline").read_bytes(), (process / "environ").read_bytes()]
            folder = os.readlink(process / "cwd")
        except OSError:
            return False
        wanted = str(self.folder).encode()
        return process.name not in skipped and (
            any(wanted in text for text in texts) or wanted.decode() in folder
        )


def new_install(folder: Path) -> Install:
    """An install that has not started yet."""
    return Install(folder / "home", ports.free_port())


def remove_from_engine(api: EngineApi, folder: Path) -> None:
    """Remove what an install made in the engine, by its label and each by its id."""
    state = folder / "state.json"
    if not state.exists():
        return
    install_id = json.loads(state.read_text())["install_id"]
    wanted = urllib.parse.quote(json.dumps({"label": [f"berth.install={install_id}"]}))
    for container in api.call("GET", f"/containers/json?all=1&filters={wanted}"):
        api.call("DELETE", f"/containers/{container['Id']}?force=1&v=1")
    for network in api.call("GET", f"/networks?filters={wanted}"):
        api.call("DELETE", f"/networks/{network['Id']}")
    for volume in api.call("GET", f"/volumes?filters={wanted}")["Volumes"] or []:
        api.call("DELETE", f"/volumes/{volume['Name']}")
    for image in api.call("GET", f"/images/json?filters={wanted}"):
        api.call("DELETE", f"/images/{image['Id']}?force=1")
    gateway.remove_gateway(api, install_id)

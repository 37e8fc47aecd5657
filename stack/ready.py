"""`ready.json`: where the install is, how to sign in, and which processes it runs; true or absent."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from stack.home import replace_file


@dataclass(frozen=True)
class ReadyNote:
    """What a person or a script needs to use the running install."""

    url: str
    email: str
    password: str = field(repr=False)
    tenant_slug: str
    demo_url: str
    docker_host: str


def write_ready(path: Path, note: ReadyNote, pids: dict[str, int]) -> None:
    """Publish the note with the process ids of the moment."""
    replace_file(path, json.dumps({**asdict(note), "pids": pids}, indent=2) + "\n")


def remove_ready(path: Path) -> None:
    """Withdraw the note: the install is not ready, or no longer."""
    path.unlink(missing_ok=True)

"""Logos of tools and integrations: small files that ship with Berth."""

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "logos"
MEDIA_TYPES = {".svg": "image/svg+xml", ".png": "image/png", ".webp": "image/webp"}
# No slash, no leading dot: a name that matches cannot leave the folder.
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}", re.ASCII)


@dataclass(frozen=True)
class Logo:
    content: bytes
    media_type: str


def find_logo(filename: str) -> Logo | None:
    """Return a logo by its file name, or None."""
    path = FOLDER / filename
    if not _NAME.fullmatch(filename) or path.suffix not in MEDIA_TYPES or not path.is_file():
        return None
    return Logo(path.read_bytes(), MEDIA_TYPES[path.suffix])

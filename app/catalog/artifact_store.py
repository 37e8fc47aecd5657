"""Build artifacts: gzip tars under a key, in the folder that ARTIFACT_DIR names."""

import re
import shutil
import tempfile
from pathlib import Path

from app.core.errors import InvalidError

_KEY = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*", re.ASCII)


def artifact_file(folder: Path, key: str) -> Path:
    """Where the artifact of a key is; raises InvalidError for a key that is not a plain path."""
    if not _KEY.fullmatch(key) or ".." in key:
        raise InvalidError(f"{key} is not an artifact key")
    return folder / key


def store_artifact(folder: Path, key: str, source: Path) -> Path:
    """Copy a file into the store, whole or not at all; a file of that key is replaced."""
    target = artifact_file(folder, key)
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        source.open("rb") as content,
        tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as scratch,
    ):
        shutil.copyfileobj(content, scratch)
    Path(scratch.name).replace(target)
    return target

"""The commit that a branch or tag of a repository stands for right now."""

import re

from dulwich.client import HttpGitClient
from dulwich.errors import GitProtocolError, NotGitRepository
from urllib3.exceptions import HTTPError

from app.core.errors import UpstreamError

TIMEOUT_SECONDS = 30.0
_COMMIT = re.compile(r"[0-9a-f]{40}", re.ASCII)


def resolve_commit(repo: str, ref: str | None) -> str:
    """Return the commit of a branch, tag or commit id (None: the default branch); raises UpstreamError."""
    if ref is not None and _COMMIT.fullmatch(ref):
        return ref
    commit = pick_commit(_list_refs(repo), ref)
    if commit is None:
        raise UpstreamError(f"{repo} has no {ref or 'default branch'}")
    return commit


def pick_commit(refs: dict[bytes, bytes], ref: str | None) -> str | None:
    """Find the commit of a name among a repository's refs; a tag object is followed to its commit."""
    name = (ref or "HEAD").encode()
    for candidate in (name, b"refs/heads/" + name, b"refs/tags/" + name):
        if (found := refs.get(candidate + b"^{}") or refs.get(candidate)) is not None:
            return found.decode("ascii")
    return None


def _list_refs(repo: str) -> dict[bytes, bytes]:
    try:
        answer = HttpGitClient(repo, timeout=TIMEOUT_SECONDS).get_refs(b"")
    except (GitProtocolError, NotGitRepository, HTTPError, OSError) as error:
        raise UpstreamError(f"{repo} could not be read: {type(error).__name__}") from None
    return {bytes(name): bytes(value) for name, value in answer.refs.items() if value is not None}

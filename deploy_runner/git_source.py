"""Sources from a Git repository over HTTP, read straight from its objects: nothing is checked out."""

import io
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import urllib3
from docker.utils.build import PatternMatcher
from dulwich.client import FetchPackResult, HttpGitClient, HTTPProxyUnauthorized, HTTPUnauthorized
from dulwich.errors import GitProtocolError, NotGitRepository
from dulwich.object_store import iter_tree_contents, peel_sha
from dulwich.objects import S_ISGITLINK, Blob, Commit, ObjectID, TreeEntry
from dulwich.refs import Ref
from dulwich.repo import Repo

from deploy_runner.build_context import ContextWriter, require_inner_path
from deploy_runner.errors import StepError
from deploy_runner.plan import GitBuild

_FETCH_SECONDS = 60
_MAX_SOURCE_BYTES = 2 * 1024**3
_COMMIT_ID = re.compile(r"[0-9a-f]{40}")
_IGNORE_FILE = ".dockerignore"

Files = dict[str, TreeEntry]


class GitSource:
    """One commit's files under the context folder, by their path inside it."""

    def __init__(self, repo: Repo, files: Files) -> None:
        self._repo = repo
        self.files = files

    def read(self, path: str) -> bytes:
        sha = self.files[path].sha
        assert sha is not None  # noqa: S101 (entries of a stored tree always name an object)
        blob = self._repo[sha]
        return blob.data if isinstance(blob, Blob) else b""

    def list_wanted(self, dockerfile: str) -> list[str]:
        """The paths that the repository's own .dockerignore lets into a build."""
        if _IGNORE_FILE not in self.files:
            return list(self.files)
        lines = (line.strip() for line in self.read(_IGNORE_FILE).decode(errors="replace").splitlines())
        patterns = [line for line in lines if line and not line.startswith("#")]
        matcher = PatternMatcher([*patterns, f"!{dockerfile}"])
        # Its stub asks for a PathLike, its code for text.
        return [path for path in self.files if not matcher.matches(path)]  # type: ignore[arg-type]

    def copy(self, paths: list[str], writer: ContextWriter, prefix: str) -> None:
        total = 0
        for path in paths:
            content, mode = self.read(path), self.files[path].mode or 0
            total += len(content)
            if total > _MAX_SOURCE_BYTES:
                raise StepError("The repository's files are too large to build.")
            if stat.S_ISLNK(mode):
                writer.add_link(prefix + path, content.decode(errors="replace"), is_symbolic=True)
            else:
                executable = bool(mode & 0o100)
                writer.add_file(prefix + path, io.BytesIO(content), len(content), is_executable=executable)


@contextmanager
def open_git_source(source: GitBuild) -> Iterator[GitSource]:
    """Fetch the one commit asked for; raises StepError when it cannot be had."""
    folder = require_inner_path(source.context, "The build context")
    require_public_url(source.repo)
    with TemporaryDirectory(prefix="berth-git-") as place, Repo.init_bare(place) as repo:
        commit = _fetch_commit(repo, source.repo, source.ref)
        files = _list_files(repo, commit, folder)
        if not files:
            raise StepError(f"The repository has no files in {source.context!r}.")
        yield GitSource(repo, files)


def require_public_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise StepError("A repository must be given as an https or http address.")
    if "@" in parts.netloc:
        raise StepError("A repository address must not carry a user name or password.")


def _list_files(repo: Repo, commit: Commit, folder: str) -> Files:
    prefix = "" if folder == "." else f"{folder}/"
    entries = iter_tree_contents(repo.object_store, commit.tree)
    files = [(entry.path or b"", entry) for entry in entries if not S_ISGITLINK(entry.mode or 0)]
    paths = [(path.decode(errors="replace"), entry) for path, entry in files]
    return {path.removeprefix(prefix): entry for path, entry in paths if path.startswith(prefix)}


def _fetch_commit(repo: Repo, url: str, ref: str | None) -> Commit:
    client = HttpGitClient(url, timeout=_FETCH_SECONDS, quiet=True)
    with _fetch_errors(url):
        if ref is not None and _COMMIT_ID.fullmatch(ref):
            wanted = _fetch_pinned(client, repo, ObjectID(ref.encode()))
        else:
            wanted = _fetch_named(client, repo, ref)
    _, found = peel_sha(repo.object_store, wanted)
    if not isinstance(found, Commit):
        raise StepError(f"The ref {ref!r} is not a commit.")
    return found


def _fetch_pinned(client: HttpGitClient, repo: Repo, commit_id: ObjectID) -> ObjectID:
    try:
        client.fetch("", repo, determine_wants=lambda refs, depth=None: [commit_id], depth=1)
    except GitProtocolError:
        # This server only hands out what a branch or tag points at, so the history has to come along.
        client.fetch("", repo)
    if commit_id not in repo.object_store:
        raise StepError(f"The repository has no commit {commit_id.decode()}.")
    return commit_id


def _fetch_named(client: HttpGitClient, repo: Repo, ref: str | None) -> ObjectID:
    def determine_wants(refs: Mapping[Ref, ObjectID], depth: int | None = None) -> list[ObjectID]:
        found = _find_ref(refs, ref)
        return [] if found is None else [found]

    fetched: FetchPackResult = client.fetch("", repo, determine_wants=determine_wants, depth=1)
    found = _find_ref({name: sha for name, sha in fetched.refs.items() if sha is not None}, ref)
    if found is None:
        raise StepError(
            f"The repository has no branch or tag {ref!r}." if ref else "The repository is empty."
        )
    return found


def _find_ref(refs: Mapping[Ref, ObjectID], ref: str | None) -> ObjectID | None:
    names = ["HEAD"] if ref is None else [f"refs/heads/{ref}", f"refs/tags/{ref}", ref]
    return next((refs[Ref(name.encode())] for name in names if Ref(name.encode()) in refs), None)


@contextmanager
def _fetch_errors(url: str) -> Iterator[None]:
    failure = f"The repository {url} could not be read"
    try:
        yield
    except (NotGitRepository, HTTPUnauthorized, HTTPProxyUnauthorized) as error:
        raise StepError(f"{failure}: it does not exist or is private.") from error
    except (GitProtocolError, urllib3.exceptions.HTTPError, OSError) as error:
        # The client hands a network failure on as the cause of a protocol error.
        is_refusal = isinstance(error, GitProtocolError) and error.__cause__ is None
        if is_refusal:
            raise StepError(f"{failure}: {' '.join(str(error).split())[:300]}") from error
        raise StepError(f"{failure}: its server could not be reached.", permanent=False) from error

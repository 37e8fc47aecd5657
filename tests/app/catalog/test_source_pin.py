import threading
from wsgiref.simple_server import make_server

import pytest
from dulwich.repo import Repo
from dulwich.server import DictBackend
from dulwich.web import WSGIRequestHandlerLogger, make_wsgi_chain

from app.catalog.source_pin import pick_commit, resolve_commit
from app.core.errors import UpstreamError

REFS = {
    b"HEAD": b"a" * 40,
    b"refs/heads/main": b"a" * 40,
    b"refs/heads/next": b"b" * 40,
    b"refs/tags/v1": b"c" * 40,
    b"refs/tags/v1^{}": b"d" * 40,
    b"refs/tags/light": b"e" * 40,
}


@pytest.mark.parametrize(
    ("ref", "commit"),
    [
        (None, "a" * 40),
        ("next", "b" * 40),
        ("refs/heads/next", "b" * 40),
        ("v1", "d" * 40),
        ("light", "e" * 40),
        ("nope", None),
    ],
)
def test_a_name_stands_for_its_commit(ref, commit):
    assert pick_commit(REFS, ref) == commit


def test_a_commit_stands_for_itself_without_asking():
    assert resolve_commit("https://127.0.0.1:1/x", "f" * 40) == "f" * 40


def test_a_repository_that_does_not_answer_is_refused_in_one_line():
    with pytest.raises(UpstreamError, match=r"^https://127\.0\.0\.1:1/x could not be read: \w+$"):
        resolve_commit("https://127.0.0.1:1/x", "main")


class _QuietHandler(WSGIRequestHandlerLogger):
    def log_message(self, *_args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def repository(tmp_path):
    """A real Git server on the loopback interface; yields its URL and the commit of its default branch."""
    repo = Repo.init(str(tmp_path), default_branch=b"main")
    commit = repo.get_worktree().commit(message=b"one", author=b"A <a@b>", committer=b"A <a@b>")
    application = make_wsgi_chain(DictBackend({"/tool": repo}))
    server = make_server("127.0.0.1", 0, application, handler_class=_QuietHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/tool", commit.decode()
    server.shutdown()
    thread.join()
    server.server_close()
    repo.close()


def test_a_real_repository_is_asked_for_its_branch(repository):
    url, commit = repository
    assert resolve_commit(url, None) == commit
    assert resolve_commit(url, "main") == commit
    with pytest.raises(UpstreamError, match="has no nope"):
        resolve_commit(url, "nope")

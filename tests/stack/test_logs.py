"""Output of the children: readable on the terminal, whole in the file, which does not grow for ever."""

from pathlib import Path

import pytest

from stack import logs
from stack.logs import RoleLog, humanise

REQUEST = (
    '{"at": "2026-01-01T10:11:12.5Z", "level": "info", "logger": "berth.access", "message": "request",'
    ' "request_id": "x", "method": "GET", "path": "/", "status": 200, "ms": 1.5}'
)
WARNING = (
    '{"at": "2026-01-01T10:11:12.5Z", "level": "warning", "logger": "a", "message": "slow", "seconds": 3}'
)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (REQUEST, "10:11:12 GET / 200 1.5 ms"),
        (WARNING, "10:11:12 WARNING slow seconds=3"),
        ("plain text", "plain text"),
        ("{not json", "{not json"),
        ('{"other": 1}', '{"other": 1}'),
    ],
)
def test_structured_line_is_shown_as_a_sentence(line: str, shown: str) -> None:
    assert humanise(line) == shown


def test_file_keeps_the_structured_line(tmp_path: Path) -> None:
    log = RoleLog("web", tmp_path)
    log.feed(REQUEST.encode() + b"\n")
    log.close()
    assert (tmp_path / "web.log").read_text() == REQUEST + "\n"


def test_line_that_comes_in_pieces_is_one_line(tmp_path: Path) -> None:
    log = RoleLog("web", tmp_path)
    for piece in (b"hel", b"lo\nwor", b"ld"):
        log.feed(piece)
    log.close()
    assert (tmp_path / "web.log").read_text() == "hello\nworld\n"


def test_full_file_makes_room_for_a_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "FILE_LIMIT_BYTES", 20)
    log = RoleLog("web", tmp_path)
    log.feed(b"first line of the log\nsecond\n")
    log.close()
    assert (tmp_path / "web.log.1").read_text() == "first line of the log\n"
    assert (tmp_path / "web.log").read_text() == "second\n"

"""The install's folder: one supervisor at a time, secrets made once and kept private."""

import stat
from pathlib import Path

import pytest

from app.core.config import load_settings
from stack.errors import StackError
from stack.home import Home
from stack.ready import ReadyNote, remove_ready, write_ready


@pytest.fixture
def home(home_folder: Path) -> Home:
    made = Home(home_folder)
    made.create()
    return made


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_two_supervisors_do_not_share_a_home(home: Home) -> None:
    with home.locked(), pytest.raises(StackError, match=r"another `make up` \(pid \d+\)"), home.locked():
        pass


def test_home_can_be_locked_again_after_a_stop(home: Home) -> None:
    for _ in range(2):
        with home.locked():
            assert (home.folder / "lock").exists()


def test_secrets_are_made_once_and_private(home: Home) -> None:
    first = home.load_state()
    assert home.load_state() == first
    assert mode(home.state_file) == 0o600
    assert first.encryption_key not in repr(first)


def test_damaged_state_is_one_clear_line(home: Home) -> None:
    home.state_file.write_text("{")
    with pytest.raises(StackError, match=r"state\.json is damaged"):
        home.load_state()


def test_berth_reads_its_settings_from_the_home(home: Home) -> None:
    key = home.load_state().encryption_key
    database = "postgresql://berth:x@127.0.0.1:1/berth"
    home.write_environment(
        {
            "DATABASE_URL": database,
            "REDIS_URL": "redis://:x@127.0.0.1:1/0",
            "PUBLIC_URL": "http://localhost:8080",
            "INTEGRATION_ENCRYPTION_KEY": key,
        }
    )
    assert mode(home.environment_file) == 0o600
    assert load_settings({"BERTH_HOME": str(home.folder)}).database_url == database


def test_unusable_home_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match=r"BERTH_HOME .* cannot be used"):
        Home(tmp_path / "file" / "home").create()


def test_ready_note_is_private_and_withdrawn(home: Home) -> None:
    note = ReadyNote(
        "http://localhost", "demo@berth.localhost", "secret", "demo", "http://localhost/d/x/", "unix://x"
    )
    write_ready(home.ready_file, note, {"web": 1})
    assert mode(home.ready_file) == 0o600
    assert "secret" not in repr(note)
    remove_ready(home.ready_file)
    remove_ready(home.ready_file)
    assert not home.ready_file.exists()

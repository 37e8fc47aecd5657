"""The embedded Valkey: password, durability, privacy."""

import os
import signal
import stat
from pathlib import Path

import pytest
import redis

from stack import ports, valkey


def test_server_wants_its_password(server_folder: Path) -> None:
    server = valkey.start(server_folder / "valkey", ports.free_port())
    try:
        assert redis.Redis.from_url(server.url).ping()
        without = server.url.split("@")[1]
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(f"redis://{without}").ping()
    finally:
        server.stop()


def test_acknowledged_writes_survive_a_stop(server_folder: Path) -> None:
    first = valkey.start(server_folder / "valkey", ports.free_port(), "secret")
    redis.Redis.from_url(first.url).rpush("queue", "message")
    first.stop()
    second = valkey.start(server_folder / "valkey", ports.free_port(), "secret")
    try:
        assert redis.Redis.from_url(second.url).lrange("queue", 0, -1) == [b"message"]
    finally:
        second.stop()


def test_start_replaces_a_server_that_was_left_behind(server_folder: Path) -> None:
    orphan = valkey.start(server_folder / "valkey", ports.free_port(), "secret")
    server = valkey.start(server_folder / "valkey", ports.free_port(), "secret")
    try:
        assert orphan.process.wait(5) is not None
    finally:
        server.stop()


def test_start_recovers_after_a_kill(server_folder: Path) -> None:
    killed = valkey.start(server_folder / "valkey", ports.free_port(), "secret")
    os.kill(killed.pid, signal.SIGKILL)
    killed.process.wait()
    valkey.start(server_folder / "valkey", ports.free_port(), "secret").stop()


def test_password_stands_in_a_private_file_and_in_no_argument(server_folder: Path) -> None:
    server = valkey.start(server_folder / "valkey", ports.free_port(), "very-secret")
    try:
        assert b"very-secret" not in Path(f"/proc/{server.pid}/cmdline").read_bytes()
        assert stat.S_IMODE((server_folder / "valkey" / "valkey.conf").stat().st_mode) == 0o600
    finally:
        server.stop()

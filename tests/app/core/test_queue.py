import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.queue import RUN_OPERATION, TASK_NAMES, Queue, ring_after_commit
from stack import valkey
from stack.ports import free_port

QUICK_SECONDS = 3.0


class RecordingQueue(Queue):
    """Takes every bell and remembers it."""

    def __init__(self) -> None:
        self.rung: list[tuple[str, ...]] = []

    def ring(self, task: str, *ids: str) -> bool:
        self.rung.append((task, *ids))
        return True


def queue_at(url: str) -> Queue:
    """A queue whose broker is somewhere else than the settings say."""
    queue = Queue()
    queue._celery.conf.broker_url = url
    return queue


@pytest.fixture
def silent_broker() -> Iterator[str]:
    """A server that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


@pytest.fixture
def rude_broker() -> Iterator[str]:
    """A server that refuses every password."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=refuse_all, args=(server,), daemon=True).start()
        yield f"redis://:wrong@127.0.0.1:{server.getsockname()[1]}/0"


def refuse_all(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = server.accept()
            with connection:
                while connection.recv(4096):
                    connection.sendall(b"-WRONGPASS invalid username-password pair\r\n")


def test_a_bell_arrives_under_its_name_with_its_ids(platform):
    platform.redis.delete("deploys")
    assert platform.queue.ring(RUN_OPERATION, "operation-1") is True
    (message,) = platform.redis.lrange("deploys", 0, -1)
    platform.redis.delete("deploys")
    assert f'"task": "{RUN_OPERATION}"' in message


def test_a_dead_broker_is_false_and_quick(app):
    began = time.monotonic()
    assert queue_at(f"redis://127.0.0.1:{free_port()}/0").ring(RUN_OPERATION, "x") is False
    assert time.monotonic() - began < QUICK_SECONDS


def test_a_frozen_broker_is_false_and_quick(app, silent_broker):
    began = time.monotonic()
    assert queue_at(silent_broker).ring(RUN_OPERATION, "x") is False
    assert time.monotonic() - began < QUICK_SECONDS


def test_a_broker_that_cannot_be_found_is_false(app):
    assert queue_at("redis://no-such-host.invalid:6379/0").ring(RUN_OPERATION, "x") is False


def test_a_broker_that_refuses_the_password_is_false(app, rude_broker):
    assert queue_at(rude_broker).ring(RUN_OPERATION, "x") is False


def test_a_queue_works_again_once_its_broker_is_back(app, settings):
    folder, port = Path(settings.home) / "second-broker", free_port()
    broker = valkey.start(folder, port, "test-password")
    queue = queue_at(broker.url)
    assert queue.ring(RUN_OPERATION, "x") is True
    broker.stop()
    assert queue.ring(RUN_OPERATION, "x") is False
    broker = valkey.start(folder, port, "test-password")
    answers = [queue.ring(RUN_OPERATION, "x") for _ in range(2)]
    broker.stop()
    assert answers[-1] is True


def test_a_failed_bell_logs_no_password(app, caplog):
    queue_at(f"redis://:hunter2@127.0.0.1:{free_port()}/0").ring(RUN_OPERATION, "x")
    assert "could not ring" in caplog.text
    assert "hunter2" not in caplog.text


def test_the_bell_rings_after_the_commit_and_not_before(platform):
    queue = RecordingQueue()
    with platform.database.transaction() as session:
        ring_after_commit(session, queue, RUN_OPERATION, 7)
        session.connection()
        assert queue.rung == []
    assert queue.rung == [(RUN_OPERATION, "7")]


def test_a_rolled_back_transaction_rings_nothing(platform):
    queue = RecordingQueue()
    with platform.database.session() as session:
        ring_after_commit(session, queue, RUN_OPERATION, 7)
        session.connection()
        session.rollback()
        session.connection()
        session.commit()
    assert queue.rung == []


def test_a_session_that_goes_on_does_not_ring_twice(platform):
    queue = RecordingQueue()
    with platform.database.session() as session:
        ring_after_commit(session, queue, RUN_OPERATION, 7)
        session.connection()
        session.commit()
        session.connection()
        session.commit()
    assert queue.rung == [(RUN_OPERATION, "7")]


def test_the_names_that_may_be_rung_are_listed():
    assert RUN_OPERATION in TASK_NAMES

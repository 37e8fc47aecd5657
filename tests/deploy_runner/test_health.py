"""The one request, against servers that misbehave, and the polling, against a clock that tests move."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from deploy_runner.health import Clock, ProbeResult, await_ready, probe
from deploy_runner.plan import ReadinessBudget
from tests.deploy_runner.plans import free_port

Answer = Callable[[socket.socket, threading.Event], None]


@contextmanager
def serve(answer: Answer) -> Iterator[str]:
    """A server that handles one connection in a way of its own."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def handle() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                answer(connection, over)

        thread = threading.Thread(target=handle, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/healthz"
        over.set()
        thread.join(5)


def send(text: str) -> Answer:
    def answer(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(text.encode())

    return answer


def hang(connection: socket.socket, over: threading.Event) -> None:
    over.wait(20)


def trickle(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while not over.wait(0.1):
        connection.sendall(b"x")


@pytest.mark.parametrize(
    ("status", "is_ok"), [(200, True), (204, True), (299, True), (302, False), (500, False)]
)
def test_only_2xx_passes_and_redirects_are_not_followed(status: int, is_ok: bool) -> None:
    with serve(send(f"HTTP/1.1 {status} X\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n")) as url:
        result = probe(url)
    assert (result.ok, result.status) == (is_ok, status)
    assert result.error == (None if is_ok else f"status {status}")


@pytest.mark.parametrize("answer", [hang, trickle])
def test_a_server_that_takes_its_time_fails_at_the_deadline(answer: Answer) -> None:
    with serve(answer) as url:
        began = time.monotonic()
        result = probe(url, timeout_seconds=0.5)
        assert time.monotonic() - began < 2.0
    assert result == ProbeResult(False, None, "no complete answer within 0.5 s", result.duration_ms)


def test_a_port_nobody_listens_on_is_refused() -> None:
    assert probe(f"http://127.0.0.1:{free_port()}/").error == "connection refused"


@pytest.mark.parametrize(
    ("text", "error"),
    [("", "connection closed without an answer"), ("SSH-2.0\r\n", "the answer was not HTTP")],
)
def test_an_answer_that_is_none_is_told_apart(text: str, error: str) -> None:
    with serve(send(text)) as url:
        assert probe(url).error == error


class FakeTime:
    """A service that becomes ready at a moment, and a clock that only sleeping and probing move."""

    def __init__(self, ready_at: float, probe_seconds: float = 0.0) -> None:
        self.time = 100.0
        self.rows: list[tuple[int, float, bool, bool]] = []
        self.probes = 0
        self._ready_at = 100.0 + ready_at
        self._probe_seconds = probe_seconds

    def clock(self) -> Clock:
        return Clock(lambda: self.time, self._sleep, self._probe)

    def _sleep(self, seconds: float) -> None:
        self.time += seconds

    def _probe(self, url: str, timeout_seconds: float) -> ProbeResult:
        self.probes += 1
        self.time += min(self._probe_seconds, timeout_seconds)
        is_ok = self.time >= self._ready_at
        return ProbeResult(is_ok, 200 if is_ok else None, None if is_ok else "connection refused", 1)

    def row(self, attempt: int, result: ProbeResult, in_boot: bool) -> None:
        self.rows.append((attempt, round(self.time - 100.0, 2), result.ok, in_boot))


def budget(retries: int = 3, interval: float = 10, total: float | None = None) -> ReadinessBudget:
    return ReadinessBudget(retries, interval, retries * interval if total is None else total, None)


def never() -> None:
    return None


def test_a_fast_boot_is_seen_at_once_as_the_first_attempt() -> None:
    fake = FakeTime(ready_at=0.2)
    assert await_ready("http://x/", budget(), fake.row, never, fake.clock()).ok
    assert fake.rows == [(1, pytest.approx(0.25, abs=0.1), True, False)]


def test_each_attempt_is_reported_when_it_is_due_and_the_budget_then_ends() -> None:
    fake = FakeTime(ready_at=1000)
    result = await_ready("http://x/", budget(), fake.row, never, fake.clock())
    assert (result.ok, result.error) == (False, "connection refused")
    assert fake.rows == [(1, 10.0, False, False), (2, 20.0, False, False), (3, 30.0, False, False)]


def test_a_pass_between_two_due_times_counts_as_the_attempt_under_way() -> None:
    fake = FakeTime(ready_at=12)
    await_ready("http://x/", budget(), fake.row, never, fake.clock())
    assert [(row[0], row[2]) for row in fake.rows] == [(1, False), (2, True)]


def test_slow_attempts_do_not_extend_the_budget() -> None:
    fake = FakeTime(ready_at=1000, probe_seconds=7)
    await_ready("http://x/", budget(), fake.row, never, fake.clock())
    assert fake.time - 100.0 <= 30.01
    assert [row[0] for row in fake.rows] == [1, 2, 3]


def test_a_total_below_the_first_interval_still_reports_one_attempt() -> None:
    fake = FakeTime(ready_at=1000)
    await_ready("http://x/", budget(total=4), fake.row, never, fake.clock())
    assert fake.rows == [(1, 4.0, False, False)]


def test_a_total_beyond_the_retries_polls_on_without_more_rows() -> None:
    fake = FakeTime(ready_at=55)
    assert await_ready("http://x/", budget(total=60), fake.row, never, fake.clock()).ok
    assert [row[0] for row in fake.rows] == [1, 2, 3, 3]
    assert fake.probes < 200


def test_attempts_within_the_expected_boot_time_are_marked() -> None:
    fake = FakeTime(ready_at=1000)
    expected = ReadinessBudget(3, 10, 30, 15)
    await_ready("http://x/", expected, fake.row, never, fake.clock())
    assert [row[3] for row in fake.rows] == [True, False, False]


def test_a_service_that_gave_up_ends_the_polling_early() -> None:
    fake = FakeTime(ready_at=1000)

    def gave_up() -> str | None:
        return "Service web used up its restarts." if fake.time > 112 else None

    result = await_ready("http://x/", budget(), fake.row, gave_up, fake.clock())
    assert (result.ok, result.error) == (False, "Service web used up its restarts.")
    assert fake.time < 114
    assert [row[0] for row in fake.rows] == [1, 2]


def test_a_probe_cut_short_by_the_end_does_not_hide_what_the_one_before_it_heard() -> None:
    fake = FakeTime(ready_at=1000)

    def answer_500_after_a_moment(url: str, seconds: float) -> ProbeResult:
        if seconds < 0.3:
            return ProbeResult(False, None, f"no complete answer within {seconds:g} s", 1)
        return ProbeResult(False, 500, "status 500", 300)

    clock = replace(fake.clock(), probe=answer_500_after_a_moment)
    result = await_ready("http://x/", budget(1), fake.row, never, clock)
    assert (result.status, result.error) == (500, "status 500")

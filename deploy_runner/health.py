"""Asks a service whether it is well: one bounded request, or as many as its budget allows."""

import math
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from deploy_runner.plan import ReadinessBudget

PROBE_SECONDS = 10.0
_BODY_BYTES = 64 * 1024
_FIRST_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 0.5
_PAUSE_GROWTH = 1.5
# A probe that got less time than this says nothing about a service that did not answer in it.
_FAIR_SECONDS = 1.0
# Times closer than this are the same moment.
_TICK_SECONDS = 0.001


@dataclass(frozen=True)
class ProbeResult:
    ok: bool
    status: int | None
    error: str | None
    duration_ms: int


class _DeadlineSocket(socket.socket):
    """Each wait gets only what is left of the deadline, so a server that trickles bytes cannot stretch it."""

    deadline: float

    def recv_into(self, *args: Any) -> int:
        self.limit()
        return super().recv_into(*args)

    def limit(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.settimeout(left)


def probe(url: str, timeout_seconds: float = PROBE_SECONDS) -> ProbeResult:
    """GET the address once; only a complete 200-299 answer within the time is well. Never raises."""
    began = time.monotonic()
    try:
        status = _request_status(url, began + timeout_seconds)
    except TimeoutError:
        return _result(began, None, f"no complete answer within {timeout_seconds:g} s")
    except ConnectionRefusedError:
        return _result(began, None, "connection refused")
    except ConnectionError:
        return _result(began, None, "connection closed without an answer")
    except HTTPException:
        return _result(began, None, "the answer was not HTTP")
    except OSError as error:
        return _result(began, None, f"could not connect: {error.strerror or 'network error'}")
    return _result(began, status, None if 200 <= status <= 299 else f"status {status}")


def _result(began: float, status: int | None, error: str | None) -> ProbeResult:
    return ProbeResult(error is None, status, error, round((time.monotonic() - began) * 1000))


def _request_status(url: str, deadline: float) -> int:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = HTTPConnection(parts.hostname or "", parts.port or 80)
    with _connect(connection.host, connection.port, deadline) as opened:
        connection.sock = opened
        connection.request("GET", target, headers={"Connection": "close", "User-Agent": "berth-health"})
        with connection.getresponse() as response:
            response.read(_BODY_BYTES)
            return response.status


def _connect(host: str, port: int, deadline: float) -> _DeadlineSocket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    opened = _DeadlineSocket(family, kind, protocol)
    opened.deadline = deadline
    try:
        opened.limit()
        opened.connect(address)
    except BaseException:
        opened.close()
        raise
    return opened


@dataclass(frozen=True)
class Clock:
    """Time and the one request, so that polling can be tested without either."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    probe: Callable[[str, float], ProbeResult] = probe


OnAttempt = Callable[[int, ProbeResult, bool], None]
SYSTEM_CLOCK = Clock()


def await_ready(
    url: str,
    budget: ReadinessBudget,
    on_attempt: OnAttempt,
    gave_up: Callable[[], str | None],
    clock: Clock = SYSTEM_CLOCK,
) -> ProbeResult:
    """Probe until the first pass, the end of the budget, or `gave_up` tells why waiting is pointless.

    `on_attempt(number, latest result, whether within the expected boot time)` is called once per attempt that
    came due (lifecycle.md 3). In between the address is asked far more often, so a fast boot is seen at once.
    """
    return _Polling(url, budget, on_attempt, clock).run(gave_up)


class _Polling:
    def __init__(self, url: str, budget: ReadinessBudget, on_attempt: OnAttempt, clock: Clock) -> None:
        self._url = url
        self._budget = budget
        self._on_attempt = on_attempt
        self._clock = clock
        self._began = clock.now()
        self._reported = 0

    def run(self, gave_up: Callable[[], str | None]) -> ProbeResult:
        pause, result = _FIRST_PAUSE_SECONDS, None
        while True:
            result = self._probe_after(result)
            if result.ok:
                self._report(result)
                return result
            self._report_due(result)
            if (reason := gave_up()) is not None:
                self._report_open(result)
                return replace(result, error=reason)
            if self._left() <= _TICK_SECONDS:
                self._report_open(result)
                return result
            self._clock.sleep(max(0.0, min(pause, self._until_due(), self._left())))
            pause = min(pause * _PAUSE_GROWTH, _LONGEST_PAUSE_SECONDS)

    def _probe_after(self, earlier: ProbeResult | None) -> ProbeResult:
        """Probe within the budget; one that its end cut short tells less than the one before it."""
        seconds = min(PROBE_SECONDS, max(self._left(), _TICK_SECONDS))
        result = self._clock.probe(self._url, seconds)
        is_cut_short = seconds < _FAIR_SECONDS and not result.ok and result.status is None
        return earlier if is_cut_short and earlier is not None else result

    def _elapsed(self) -> float:
        return self._clock.now() - self._began

    def _left(self) -> float:
        return self._budget.total_seconds - self._elapsed()

    def _until_due(self) -> float:
        if self._reported >= self._budget.max_retries:
            return math.inf
        return (self._reported + 1) * self._budget.interval_seconds - self._elapsed()

    def _report_due(self, result: ProbeResult) -> None:
        while self._until_due() <= _TICK_SECONDS:
            self._report(result)

    def _report_open(self, result: ProbeResult) -> None:
        """The attempt that was under way when polling ended gets its row too."""
        if self._elapsed() > self._reported * self._budget.interval_seconds:
            self._report(result)

    def _report(self, result: ProbeResult) -> None:
        boot = self._budget.expected_boot_seconds
        in_boot = boot is not None and self._elapsed() < boot
        number = min(self._reported + 1, self._budget.max_retries)
        if number > self._reported or result.ok:
            self._on_attempt(number, result, in_boot)
        self._reported = number

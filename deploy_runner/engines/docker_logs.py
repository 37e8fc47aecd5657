"""Container output with its engine timestamps, and the engine's stream of starts and deaths."""

import struct
from calendar import timegm
from collections.abc import Callable, Iterator
from itertools import takewhile
from time import strptime
from typing import Any, Literal, TypeVar

import requests
import urllib3
from docker.errors import NotFound
from docker.types import CancellableStream

from deploy_runner.engines.base import ContainerState, LogLine, Stream
from deploy_runner.engines.container_state import container_state, missing_state
from deploy_runner.engines.docker_client import AnonymousClient, engine_errors
from deploy_runner.engines.docker_containers import find_raw

Item = TypeVar("Item")
Frame = tuple[Literal["stdout", "stderr"], bytes]

_FRAME_HEADER = struct.Struct(">BxxxL")
_STREAMS: dict[int, Literal["stdout", "stderr"]] = {1: "stdout", 2: "stderr"}
# A tool that never ends its line must not fill the worker's memory.
_LONGEST_LINE = 256 * 1024
_NANOS = 1_000_000_000


class ClosingStream(Stream[Item]):
    def __init__(self, items: Iterator[Item], close: Callable[[], None]) -> None:
        self._items = items
        self._close = close

    def __iter__(self) -> Iterator[Item]:
        return self

    def __next__(self) -> Item:
        try:
            return next(self._items)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError):
            # The connection ended, by us or by the engine; the reader comes again with its last timestamp.
            raise StopIteration from None

    def close(self) -> None:
        self._close()


def tail_logs(client: AnonymousClient, container_id: str, lines: int, max_bytes: int) -> list[LogLine]:
    """The last lines that fit in `max_bytes`; empty when the container is gone."""
    params = {"stdout": "1", "stderr": "1", "timestamps": "1", "tail": str(lines)}
    with engine_errors("The container's output could not be read"):
        try:
            response = client.open_stream("GET", f"/containers/{container_id}/logs", params, client.timeout)
        except NotFound:
            return []
        with response:
            found = list(_read_lines(_read_frames(response.raw)))
    return _last_within(found[-lines:], max_bytes)


def _last_within(lines: list[LogLine], max_bytes: int) -> list[LogLine]:
    budget = max_bytes

    def fits(line: LogLine) -> bool:
        nonlocal budget
        budget -= len(line.message.encode()) + 1
        return budget >= 0

    return list(takewhile(fits, reversed(lines)))[::-1]


def follow_logs(client: AnonymousClient, container_id: str, since_ns: int) -> Stream[LogLine]:
    since = f"{since_ns // _NANOS}.{since_ns % _NANOS:09d}"
    params = {"stdout": "1", "stderr": "1", "timestamps": "1", "follow": "1", "since": since}
    with engine_errors("The container's output could not be followed"):
        response = client.open_stream("GET", f"/containers/{container_id}/logs", params, None)
    lines = _read_lines(_read_frames(response.raw))
    # The engine's `since` includes the moment itself, which the reader has already.
    return ClosingStream((line for line in lines if line.timestamp_ns > since_ns), _closer(response))


def _closer(response: requests.Response) -> Callable[[], None]:
    # Shuts the socket down, which wakes a thread that is blocked reading it.
    return CancellableStream(iter(()), response).close


def _read_frames(raw: Any) -> Iterator[Frame]:
    """Take the two streams apart: each frame says which one it belongs to and how long it is."""
    while len(header := raw.read(_FRAME_HEADER.size)) == _FRAME_HEADER.size:
        stream, length = _FRAME_HEADER.unpack(header)
        yield _STREAMS[stream], raw.read(length)


def _read_lines(frames: Iterator[Frame]) -> Iterator[LogLine]:
    """Join frames into lines: the engine cuts long lines into frames with a timestamp each."""
    pending: dict[str, tuple[int, bytes]] = {}
    for stream, frame in frames:
        stamp, _, text = frame.partition(b" ")
        began, before = pending.pop(stream, (parse_log_time(stamp.decode()), b""))
        line = before + text
        if line.endswith(b"\n") or len(line) >= _LONGEST_LINE:
            yield LogLine(began, stream, line.rstrip(b"\r\n").decode(errors="replace"))
        else:
            pending[stream] = (began, line)
    for rest, (began, line) in pending.items():
        yield LogLine(began, "stderr" if rest == "stderr" else "stdout", line.decode(errors="replace"))


def parse_log_time(text: str) -> int:
    seconds, _, fraction = text.rstrip("Z").partition(".")
    return timegm(strptime(seconds, "%Y-%m-%dT%H:%M:%S")) * _NANOS + int((fraction + "000000000")[:9])


def watch_starts(client: AnonymousClient, install_id: str) -> Stream[ContainerState]:
    filters = {"type": "container", "event": ["start", "die"], "label": [f"berth.install={install_id}"]}
    with engine_errors("The engine's events could not be followed"):
        events = client.events(filters=filters, decode=True)
    return ClosingStream((_state_after(client, event) for event in events), events.close)


def _state_after(client: AnonymousClient, event: dict[str, Any]) -> ContainerState:
    actor = event["Actor"]
    found = find_raw(client, actor["ID"])
    return missing_state(actor["ID"], actor["Attributes"]) if found is None else container_state(found)

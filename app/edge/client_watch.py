"""Notice a visitor who leaves while the tool says nothing, and let the tool know."""

import socket
from collections.abc import Callable
from contextlib import suppress

import gevent
from gevent.socket import wait_read


def watch_client(client: socket.socket | None, upstream: socket.socket) -> Callable[[], None]:
    """Shut `upstream` down when the visitor hangs up; returns what ends the watch.

    Without it a silent event stream would hold its tool until the tool next speaks.
    """
    if client is None:
        return lambda: None
    watcher = gevent.spawn(_shut_down_after, client, upstream)
    # Dead before the caller goes on: a watch on a descriptor that was closed and given out again
    # makes the event loop deaf to the next visitor for a while.
    return watcher.kill


def _shut_down_after(client: socket.socket, upstream: socket.socket) -> None:
    wait_read(client.fileno())
    if _has_left(client):
        with suppress(OSError):
            upstream.shutdown(socket.SHUT_RDWR)


def _has_left(client: socket.socket) -> bool:
    """Whether the end of the stream is what there is to read; a next request already sent is not."""
    try:
        return client.recv(1, socket.MSG_PEEK) == b""
    except OSError:
        return True

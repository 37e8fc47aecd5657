"""`follow=1`: the log as server-sent events that resume where the client stopped."""

import dataclasses
import json
import re
import time
from collections.abc import Iterator
from uuid import UUID

from flask import Response

from app.core.platform import Platform
from app.deployments.logs import LogFilter, list_logs

POLL_SECONDS = 0.3
PING_SECONDS = 25.0
PING = ": ping\n\n"


def stream_logs(platform: Platform, deployment_id: UUID, chosen: LogFilter, last_event_id: str) -> Response:
    """Every matching row from the start, or behind `Last-Event-ID`, then each new one as it comes."""
    if re.fullmatch(r"[0-9]{1,18}", last_event_id):
        chosen = dataclasses.replace(chosen, after=int(last_event_id))
    chosen = dataclasses.replace(chosen, is_descending=False, limit=500)
    response = Response(
        _events(platform, deployment_id, chosen), content_type="text/event-stream; charset=utf-8"
    )
    response.headers["Cache-Control"] = "no-cache, no-transform"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _events(platform: Platform, deployment_id: UUID, chosen: LogFilter) -> Iterator[str]:
    # A first byte at once tells the client that the stream is open, also when there is nothing to say.
    yield PING
    quiet_since = time.monotonic()
    while True:
        with platform.database.transaction() as session:
            rows = list_logs(session, deployment_id, chosen)
        for row in rows:
            yield f"id: {row['id']}\nevent: log\ndata: {json.dumps(row, ensure_ascii=False)}\n\n"
        if rows:
            chosen = dataclasses.replace(chosen, after=rows[-1]["id"])
            quiet_since = time.monotonic()
        elif time.monotonic() - quiet_since >= PING_SECONDS:
            yield PING
            quiet_since = time.monotonic()
        if len(rows) < chosen.limit:
            time.sleep(POLL_SECONDS)

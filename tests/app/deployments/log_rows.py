"""Lines that a container might have said."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

NOON = datetime(2026, 5, 20, 12, tzinfo=UTC)


def container_line(deployment_id: UUID, number: int, **columns: Any) -> dict[str, Any]:
    return {
        "deployment_id": deployment_id,
        "container_id": f"{deployment_id.hex}{number % 2}",
        "service": "web" if number % 2 else "worker",
        "attempt": 1,
        "stream": "stdout",
        "timestamp_ns": number,
        "message": f"line {number}",
        "logged_at": NOON + timedelta(seconds=number),
        **columns,
    }

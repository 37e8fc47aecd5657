"""Checks the servers that the operator brought: does each address connect, is the version one we support?

Runs as a child of the supervisor, so that the drivers do not stay in its memory.
"""

import os
import sys

OLDEST_POSTGRES = 140_000


def main() -> int:
    """Check each server named in the environment; print one line for the first that does not do."""
    try:
        check_database(os.environ.get("DATABASE_URL") or "")
        check_redis(os.environ.get("REDIS_URL") or "")
    except ConnectionError as error:
        print(error)
        return 1
    return 0


def check_database(url: str) -> None:
    """ConnectionError when PostgreSQL 14 or later does not answer there; nothing for an empty address."""
    if not url:
        return
    import psycopg2

    try:
        connection = psycopg2.connect(
            url.replace("postgresql+psycopg2://", "postgresql://", 1), connect_timeout=5
        )
    except psycopg2.Error as error:
        raise ConnectionError(f"DATABASE_URL: {_first_line(error)}") from error
    version = connection.server_version
    connection.close()
    if version < OLDEST_POSTGRES:
        raise ConnectionError(f"DATABASE_URL: PostgreSQL {version // 10_000} is too old, 14 is the oldest")


def check_redis(url: str) -> None:
    """ConnectionError when no Redis or Valkey answers there; nothing for an empty address."""
    if not url:
        return
    import redis

    try:
        redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5).ping()
    except (redis.RedisError, ValueError) as error:
        raise ConnectionError(f"REDIS_URL: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())

"""Redis: caches, limits, doorbells. It may be flushed or gone at any time; nothing here may hurt then."""

import json
import logging
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from app.core.config import Settings

log = logging.getLogger(__name__)


def connect_redis(settings: Settings) -> Redis:
    return Redis.from_url(
        settings.redis_url,
        socket_timeout=2,
        socket_connect_timeout=1,
        health_check_interval=25,
        decode_responses=True,
    )


class Cache:
    """JSON values with a lifetime; a miss and a dead Redis look alike."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def find(self, key: str) -> Any | None:
        try:
            stored = self._redis.get(key)
            return None if stored is None else json.loads(stored)
        except (RedisError, ValueError) as error:
            log.warning("cache read failed: %s", type(error).__name__)
            return None

    def store(self, key: str, value: Any, seconds: int) -> None:
        try:
            self._redis.set(key, json.dumps(value), ex=seconds)
        except RedisError as error:
            log.warning("cache write failed: %s", type(error).__name__)

    def drop(self, *keys: str) -> None:
        try:
            self._redis.delete(*keys)
        except RedisError as error:
            log.warning("cache drop failed: %s", type(error).__name__)

"""What every service may need, made once per process from the settings."""

from dataclasses import dataclass

from redis import Redis

from app.core.config import Settings
from app.core.crypto import Cipher
from app.core.db import Database
from app.core.queue import Queue
from app.core.redis import Cache, connect_redis


@dataclass(frozen=True)
class Platform:
    settings: Settings
    database: Database
    redis: Redis
    cache: Cache
    cipher: Cipher
    queue: Queue


def create_platform(settings: Settings, application_name: str = "berth") -> Platform:
    redis = connect_redis(settings)
    return Platform(
        settings=settings,
        database=Database(settings, application_name),
        redis=redis,
        cache=Cache(redis),
        cipher=Cipher(settings.encryption_keys),
        queue=Queue(),
    )

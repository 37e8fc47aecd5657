"""Settings: the only place that reads the environment.

Every value has a type, a default that is safe, and a check; a bad one stops the start with one line
that names it. `$BERTH_HOME/env` (written by the quick start, mode 0600) supplies defaults, so that
`flask …` in the checkout acts on that install; the real environment wins over it.
"""

import base64
import binascii
import dataclasses
import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


class SettingsError(Exception):
    """A setting is missing or malformed; the text is one line that names it, never its value if secret."""


def _text(value: str) -> str:
    return value.strip()


def _flag(value: str) -> bool:
    lowered = value.strip().lower()
    if lowered not in {"true", "false", "1", "0", "yes", "no"}:
        raise ValueError("must be true or false")
    return lowered in {"true", "1", "yes"}


def _number(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not re.fullmatch(r"\d+", value.strip()) or not low <= int(value) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(value)

    return parse


def _decimal(value: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?", value.strip()) or float(value) <= 0:
        raise ValueError("must be a number above 0")
    return float(value)


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value.strip() not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return value.strip()

    return parse


def _names(value: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in value.split(",") if item.strip())


def _limit(value: str) -> str:
    if not re.fullmatch(r"[1-9]\d* per (second|minute|hour|day)", value.strip()):
        raise ValueError('must look like "5 per hour"')
    return value.strip()


def _database_url(value: str) -> str:
    if not value.startswith(("postgresql://", "postgresql+psycopg2://")):
        raise ValueError("must be a postgresql:// URL")
    return value.strip()


def _optional_database_url(value: str) -> str:
    return _database_url(value) if value.strip() else ""


def _redis_url(value: str) -> str:
    if not value.startswith(("redis://", "rediss://", "redis+socket://", "unix://")):
        raise ValueError("must be a redis:// URL")
    return value.strip()


def _origin(value: str) -> str:
    match = re.fullmatch(r"(https?)://([^\s/?#@]+)/?", value.strip())
    if not match or not urlsplit(match[0]).hostname or not _has_usable_port(match[0]):
        raise ValueError("must be an http(s) origin such as https://berth.example.com")
    return f"{match[1]}://{match[2]}"


def _has_usable_port(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def _optional_origin(value: str) -> str:
    return _origin(value) if value.strip() else ""


def _domain(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", value.strip()):
        raise ValueError("must be a lower-case domain such as apps.example.com")
    return value.strip()


def _network(value: str) -> str:
    network = ipaddress.IPv4Network(value.strip())
    if not network.is_private or network.prefixlen > 24:
        raise ValueError("must be a private IPv4 range of /24 or larger")
    return str(network)


def _networks(value: str) -> tuple[str, ...]:
    return tuple(str(ipaddress.ip_network(item)) for item in _names(value))


def _ports(value: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)-(\d+)", value.strip())
    if not match or not 1024 <= int(match[1]) < int(match[2]) <= 65535:
        raise ValueError("must look like 20000-29999, within 1024 to 65535")
    return int(match[1]), int(match[2])


def _keys(value: str) -> tuple[tuple[str, bytes], ...]:
    ring = []
    for item in _names(value):
        key_id, _, encoded = item.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            key = b""
        if not re.fullmatch(r"[a-z0-9]{1,16}", key_id) or len(key) != 32:
            raise ValueError("must be id:base64-of-32-bytes, several separated by commas, the newest first")
        ring.append((key_id, key))
    if not ring:
        raise ValueError("is required")
    return tuple(ring)


def _install(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9-]{1,64}", value.strip()):
        raise ValueError("must be 1 to 64 of a-z, 0-9 and -")
    return value.strip()


def _setting(name: str, parse: Callable[[str], Any], default: str | None = "", secret: bool = False) -> Any:
    return field(metadata={"env": name, "parse": parse, "default": default}, repr=not secret)


@dataclass(frozen=True)
class Settings:
    """What an operator may set; `docs/settings.md` says each in words."""

    database_url: str = _setting("DATABASE_URL", _database_url, None, secret=True)
    redis_url: str = _setting("REDIS_URL", _redis_url, None, secret=True)
    public_url: str = _setting("PUBLIC_URL", _origin, None)
    base_domain: str = _setting("BASE_DOMAIN", _domain, "localhost")
    routing: str = _setting("BERTH_ROUTING", _one_of("host", "path"), "host")
    home: str = _setting("BERTH_HOME", _text, ".berth")
    install_id: str = _setting("BERTH_INSTALL_ID", _install, "berth")
    encryption_keys: tuple[tuple[str, bytes], ...] = _setting(
        "INTEGRATION_ENCRYPTION_KEY", _keys, None, secret=True
    )
    admin_user_ids: tuple[str, ...] = _setting("BERTH_ADMIN_USER_IDS", _names)
    reserved_hosts: tuple[str, ...] = _setting("BERTH_RESERVED_HOSTS", _names)
    trusted_proxies: tuple[str, ...] = _setting("TRUSTED_PROXIES", _networks)
    sign_up_enabled: bool = _setting("SIGN_UP_ENABLED", _flag, "true")
    billing_mode: str = _setting("BILLING_MODE", _one_of("stripe", "manual", "off"), "manual")
    deploy_limit: str = _setting("DEPLOY_LIMIT", _limit, "5 per hour")
    tenant_limit: str = _setting("TENANT_LIMIT", _limit, "10 per hour")
    sign_in_limit: str = _setting("SIGN_IN_LIMIT", _limit, "10 per minute")
    balance_limit: str = _setting("BALANCE_LIMIT", _limit, "60 per minute")
    database_pool: int = _setting("DATABASE_POOL", _number(1, 200), "20")
    log_level: str = _setting("LOG_LEVEL", _one_of("DEBUG", "INFO", "WARNING", "ERROR"), "INFO")
    docker_host: str = _setting("DOCKER_HOST", _text)
    network_range: str = _setting("NETWORK_RANGE", _network, "10.200.0.0/13")
    host_gateway: str = _setting("HOST_GATEWAY", _text)
    host_ports: tuple[int, int] = _setting("HOST_PORTS", _ports, "20000-29999")
    tool_api_url: str = _setting("TOOL_API_URL", _optional_origin)
    edge_url: str = _setting("EDGE_URL", _optional_origin)
    port: int = _setting("BERTH_PORT", _number(1, 65535), "8080")
    tenant_database_admin_url: str = _setting(
        "TENANT_DATABASE_ADMIN_URL", _optional_database_url, secret=True
    )
    tenant_database_host: str = _setting("TENANT_DATABASE_HOST", _text)
    tenant_database_port: int = _setting("TENANT_DATABASE_PORT", _number(1, 65535), "5432")
    artifact_dir: str = _setting("ARTIFACT_DIR", _text)
    default_cpus: float = _setting("DEFAULT_CPUS", _decimal, "1")
    default_memory_mb: int = _setting("DEFAULT_MEMORY_MB", _number(16, 1_048_576), "512")
    lease_seconds: int = _setting("LEASE_SECONDS", _number(2, 600), "20")
    heartbeat_seconds: int = _setting("HEARTBEAT_SECONDS", _number(1, 60), "5")
    sweep_seconds: int = _setting("SWEEP_SECONDS", _number(1, 60), "5")
    deploy_ceiling_seconds: int = _setting("DEPLOY_CEILING_SECONDS", _number(60, 86_400), "3600")
    max_attempts: int = _setting("OPERATION_MAX_ATTEMPTS", _number(1, 100), "10")

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def public_host(self) -> str:
        return urlsplit(self.public_url).netloc

    @property
    def edge_origin(self) -> str:
        return self.edge_url or f"http://127.0.0.1:{self.port}"

    @property
    def artifact_path(self) -> Path:
        return Path(self.artifact_dir) if self.artifact_dir else Path(self.home) / "artifacts"


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read every setting; raises SettingsError naming the first that is missing or malformed."""
    env = dict(os.environ) if environ is None else dict(environ)
    merged = {**_home_defaults(env.get("BERTH_HOME") or ".berth"), **env}
    return Settings(**{item.name: _read(item, merged) for item in dataclasses.fields(Settings)})


def setting_names() -> list[str]:
    return [item.metadata["env"] for item in dataclasses.fields(Settings)]


def _read(item: "dataclasses.Field[Any]", env: Mapping[str, str]) -> Any:
    name, default = item.metadata["env"], item.metadata["default"]
    value = env.get(name) or default
    if value is None:
        raise SettingsError(f"{name} is required")
    try:
        return item.metadata["parse"](value)
    except ValueError as error:
        raise SettingsError(
            f"{name} {error}" if not str(error).startswith("'") else f"{name}: {error}"
        ) from None


def _home_defaults(home: str) -> dict[str, str]:
    path = Path(home) / "env"
    if not path.is_file():
        return {}
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"BERTH_HOME: {path} cannot be read") from None
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {name.strip(): value for name, _, value in pairs if not name.lstrip().startswith("#")}

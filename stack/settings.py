"""What the operator may set for the quick start, read from the environment once per start."""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stack.engine import configured_host
from stack.errors import StackError
from stack.postgres import DEFAULT_NETWORK

CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class StackSettings:
    """Settings of one `make up`; the limits and all others pass through to Berth's own processes."""

    home: Path
    port: int
    bind: str
    base_domain: str
    public_url: str
    routing: str
    network_range: ipaddress.IPv4Network
    docker_host: str
    host_gateway: str
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)

    @property
    def local_address(self) -> str:
        """Where this machine itself reaches the web process."""
        return "127.0.0.1" if self.bind == "0.0.0.0" else self.bind  # noqa: S104


def read_settings(environ: Mapping[str, str] | None = None) -> StackSettings:
    """Read and check every setting; StackError names the first bad one."""
    env = os.environ if environ is None else environ
    port = _read_port(env.get("BERTH_PORT") or "8080")
    return StackSettings(
        home=Path(env.get("BERTH_HOME") or ".berth").resolve(),
        port=port,
        bind=_read_address(env.get("BERTH_BIND") or "127.0.0.1"),
        base_domain=env.get("BASE_DOMAIN") or "localhost",
        public_url=_read_origin(env.get("PUBLIC_URL") or f"http://localhost:{port}"),
        routing=env.get("BERTH_ROUTING") or "path",
        network_range=_read_network(env.get("NETWORK_RANGE") or DEFAULT_NETWORK),
        docker_host=configured_host(),
        host_gateway=env.get("HOST_GATEWAY") or "",
        database_url=env.get("DATABASE_URL") or "",
        redis_url=env.get("REDIS_URL") or "",
    )


def _read_port(text: str) -> int:
    if not re.fullmatch(r"\d{1,5}", text) or not 1 <= int(text) <= 65535:
        raise StackError(f"BERTH_PORT must be a whole number from 1 to 65535, not {text!r}")
    return int(text)


def _read_address(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise StackError(f"BERTH_BIND must be an IPv4 address, not {text!r}") from None


def _read_origin(text: str) -> str:
    if not re.fullmatch(r"https?://[^/\s]+/?", text):
        raise StackError(
            f"PUBLIC_URL must be an http(s) origin such as https://berth.example.com, not {text!r}"
        )
    return text.rstrip("/")


def _read_network(text: str) -> ipaddress.IPv4Network:
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError:
        raise StackError(
            f"NETWORK_RANGE must be an IPv4 range such as {DEFAULT_NETWORK}, not {text!r}"
        ) from None
    if not network.is_private or network.prefixlen > 24:
        raise StackError(f"NETWORK_RANGE must be a private range of /24 or larger, not {text!r}")
    return network

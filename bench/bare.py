"""One deploy by the bare `docker` package: network, build, create, start, first healthy answer."""

import http.client
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import docker
from docker.types import IPAMConfig, IPAMPool

from bench.cleaning import LABEL, bench_repository
from bench.images import build
from deploy_runner.subnets import choose_subnet, host_routes
from stack.errors import StackError
from stack.ports import LOOPBACK, free_port

NETWORK_RANGE = "10.221.0.0/16"
POLL_SECONDS = 0.005
HEALTHY_SECONDS = 30.0


def copy_config(seen: dict[str, Any]) -> dict[str, Any]:
    """The configuration of a container as it can be created again."""
    kept = ("Image", "Env", "Cmd", "ExposedPorts")
    return {**{name: seen["Config"].get(name) for name in kept}, "HostConfig": seen["HostConfig"]}


class BareDeploy:
    """Does the work once and removes it at the end of the block; `parts` are the seconds of each call."""

    def __init__(self, client: docker.APIClient, install_id: str, config: dict[str, Any]) -> None:
        self.parts: dict[str, float] = {}
        self._client = client
        self._mark = {LABEL: install_id}
        self._config = config
        self._name = f"berth-bench-{secrets.token_hex(6)}"
        self._port = free_port()
        subnets = [entry["Subnet"] for net in client.networks() for entry in net["IPAM"]["Config"] or []]
        self._subnet = choose_subnet(NETWORK_RANGE, 28, subnets, host_routes())
        self._network_id = ""
        self._built = ""

    def __enter__(self) -> "BareDeploy":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """After an error the bench's own removal by label takes what was made."""
        if error is None:
            self._client.remove_container(self._name, force=True, v=True)
            self._client.remove_network(self._network_id)
            if self._built:
                self._client.remove_image(self._built)

    def run(self, context: bytes | None) -> float:
        """Deploy, building first when there is a context; returns the seconds until the first 200."""
        began = time.monotonic()
        with self._timed("network"):
            self._make_network()
        if context is not None:
            with self._timed("build"):
                self._build(context)
        with self._timed("create"):
            container = self._client.create_container_from_config(  # type: ignore[no-untyped-call]
                self._container_config(), self._name
            )
        with self._timed("start"):
            self._client.start(container["Id"])
        with self._timed("healthy"):
            self._await_healthy()
        return time.monotonic() - began

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.parts[name] = time.monotonic() - began

    def _make_network(self) -> None:
        pool = IPAMConfig(pool_configs=[IPAMPool(subnet=self._subnet)])
        created = self._client.create_network(self._name, driver="bridge", ipam=pool, labels=self._mark)
        self._network_id = created["Id"]

    def _build(self, context: bytes) -> None:
        self._built = f"{bench_repository(self._mark[LABEL])}-{self._name}:1"
        build(self._client, self._built, context, network_mode=self._network_id)

    def _container_config(self) -> dict[str, Any]:
        port = {"HostIp": LOOPBACK, "HostPort": str(self._port)}
        bindings = {name: [port] for name in self._config["HostConfig"]["PortBindings"]}
        host = {**self._config["HostConfig"], "NetworkMode": self._network_id, "PortBindings": bindings}
        return {
            **self._config,
            "Image": self._built or self._config["Image"],
            "Labels": {**self._mark},
            "HostConfig": host,
            "NetworkingConfig": {"EndpointsConfig": {self._network_id: {"Aliases": ["web"]}}},
        }

    def _await_healthy(self) -> None:
        deadline = time.monotonic() + HEALTHY_SECONDS
        while not self._is_healthy():
            if time.monotonic() > deadline:
                raise StackError("the bare container did not answer")
            time.sleep(POLL_SECONDS)

    def _is_healthy(self) -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

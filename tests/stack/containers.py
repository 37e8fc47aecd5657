"""Runs a command in a container and returns what it said."""

from stack.engine_api import EngineApi


def run_container(api: EngineApi, image: str, network: str, command: list[str]) -> bytes:
    """Start, wait, read, remove."""
    config = {"Image": image, "Cmd": command, "Tty": True, "HostConfig": {"NetworkMode": network}}
    container = api.call("POST", "/containers/create", {**config, "Labels": {"berth.install": "test"}})["Id"]
    try:
        api.call("POST", f"/containers/{container}/start")
        api.call("POST", f"/containers/{container}/wait")
        return api.fetch("GET", f"/containers/{container}/logs?stdout=1&stderr=1")
    finally:
        api.call("DELETE", f"/containers/{container}?force=1&v=1")

"""The connection to a Docker Engine: anonymous, bounded in time, its errors turned into sentences."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import docker
import requests
import urllib3
from docker.errors import APIError, DockerException

from deploy_runner.errors import EngineUnavailableError, StepError

ANSWER_SECONDS = 60
_UNREACHABLE = (requests.RequestException, urllib3.exceptions.HTTPError, OSError, DockerException)


class AnonymousClient(docker.APIClient):
    """Sends no registry credentials: those of whoever runs the worker are not the tenants' to use."""

    def _set_auth_headers(self, headers: dict[str, str]) -> None:
        del headers

    def open_stream(
        self, method: str, path: str, params: Mapping[str, str], silence_seconds: float | None
    ) -> requests.Response:
        """Send a request whose answer comes in pieces; `silence_seconds` bounds the wait for each piece."""
        response = self.request(
            method,
            f"{self.base_url}/v{self.api_version}{path}",
            params=params,
            stream=True,
            timeout=(ANSWER_SECONDS, silence_seconds),
        )
        try:
            response.raise_for_status()
        except requests.HTTPError as error:
            docker.errors.create_api_error_from_http_exception(error)
        return response


def connect(docker_host: str | None) -> AnonymousClient:
    """Open a client for the engine; raises EngineUnavailableError when it does not answer."""
    try:
        return AnonymousClient(base_url=docker_host, version="auto", timeout=ANSWER_SECONDS)
    except _UNREACHABLE as error:
        raise EngineUnavailableError from error


@contextmanager
def engine_errors(failure: str, *, service: str | None = None) -> Iterator[None]:
    """Turn what the engine says into a StepError that begins with `failure`."""
    try:
        yield
    except APIError as error:
        # A 4xx is a verdict on the request; after a 5xx nobody knows, so the step looks again.
        permanent = error.status_code is not None and error.status_code < 500
        raise StepError(f"{failure}: {explain(error)}", permanent=permanent, service=service) from error
    except _UNREACHABLE as error:
        raise EngineUnavailableError(service=service) from error


def explain(error: APIError) -> str:
    """The engine's own words, on one line of bounded length."""
    return " ".join(str(error.explanation or error).split())[:500]


def require_owner(labels: Mapping[str, str] | None, install_id: str, what: str) -> None:
    """Raise StepError unless the labels say that this installation made the object for a deployment."""
    found = labels or {}
    if found.get("berth.install") != install_id or "berth.deployment" not in found:
        raise StepError(f"{what} exists already and was not made by this installation, so it was left alone.")


def owner_filter(install_id: str, deployment_id: str | None = None) -> dict[str, Any]:
    deployment = "berth.deployment" if deployment_id is None else f"berth.deployment={deployment_id}"
    return {"label": [f"berth.install={install_id}", deployment]}

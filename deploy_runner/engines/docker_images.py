"""Images on a Docker Engine: pulled or built once, then found again."""

import json
import re
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import requests
import urllib3
from docker.errors import APIError, ImageNotFound, NotFound
from docker.utils import parse_repository_tag

from deploy_runner.build import open_build_context
from deploy_runner.build_context import Bases, BuildContext
from deploy_runner.engines.base import Output
from deploy_runner.engines.docker_client import (
    AnonymousClient,
    engine_errors,
    explain,
)
from deploy_runner.errors import StepError
from deploy_runner.plan import ArtifactBuild, GitBuild, Labels, RegistryImage

# An engine reports progress every second or so; longer silence is a pull that hangs.
PULL_SILENCE_SECONDS = 120
# A compiler may well say nothing for a long time.
BUILD_SILENCE_SECONDS = 1800
_BUILD_LIMITS = {"memory": 2 * 1024**3, "memswap": 2 * 1024**3, "cpushares": 512}
_LAST_LINES = 15
# The builder paints what a command wrote to its standard error.
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LAYER = re.compile(r"^ ---> ([0-9a-f]{12,64})$")
_CACHED = re.compile(r"^ ---> Using cache$")
_INSTRUCTION = re.compile(r"^Step \d+/\d+ : ")

_PULL_REASONS = (
    ("toomanyrequests", "the registry allows no more pulls for now"),
    ("manifest unknown", "the registry has no such tag"),
    ("manifest for", "the registry has no such tag"),
    ("pull access denied", "it does not exist or is private"),
    ("unauthorized", "it does not exist or is private"),
    ("denied", "it does not exist or is private"),
    ("no matching manifest", "it is not made for this kind of machine"),
    ("no space left", "the disk is full"),
    ("invalid reference format", "its name is not a valid image reference"),
    ("no such host", "the registry could not be reached"),
    ("server misbehaving", "the registry could not be reached"),
    ("dial tcp", "the registry could not be reached"),
    ("lookup ", "the registry could not be reached"),
    ("timeout", "the registry did not answer in time"),
    ("request canceled", "the registry did not answer in time"),
)


def ensure_registry_image(client: AnonymousClient, image: RegistryImage, on_output: Output) -> str:
    present = find_image(client, image.reference)
    if present is not None and not image.refresh:
        return str(present["Id"])
    _pull(client, image.reference, on_output)
    pulled = find_image(client, image.reference)
    if pulled is None:
        raise StepError(
            f"The image {image.reference} was gone again right after it was pulled.", permanent=False
        )
    return str(pulled["Id"])


def find_image(client: AnonymousClient, reference: str) -> dict[str, Any] | None:
    with engine_errors(f"The image {reference} could not be looked up"):
        try:
            return dict(client.inspect_image(reference))  # type: ignore[no-untyped-call]
        except (ImageNotFound, NotFound):
            return None


def _pull(client: AnonymousClient, reference: str, on_output: Output) -> None:
    repository, tag = parse_repository_tag(reference)
    params = {"fromImage": repository, "tag": tag or "latest"}
    try:
        response = client.open_stream("POST", "/images/create", params, PULL_SILENCE_SECONDS)
        with response:
            for message in _read_messages(response):
                _check_pull(reference, message)
                _report_pull(message, on_output)
    except APIError as error:
        raise _pull_failure(reference, explain(error)) from error
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise _pull_failure(reference, "timeout") from error


def _read_messages(response: requests.Response) -> Iterator[dict[str, Any]]:
    return (json.loads(line) for line in response.iter_lines() if line)


def _check_pull(reference: str, message: dict[str, Any]) -> None:
    if "error" in message:
        raise _pull_failure(reference, message["error"])


def _pull_failure(reference: str, words: str) -> StepError:
    known = (reason for mark, reason in _PULL_REASONS if mark in words.lower())
    reason = next(known, " ".join(words.split())[:300])
    return StepError(f"The image {reference} could not be pulled: {reason}.")


def _report_pull(message: dict[str, Any], on_output: Output) -> None:
    # Progress bars repeat a layer's line many times a second; only the steps are worth a line.
    if message.get("progressDetail"):
        return
    on_output(": ".join(part for part in (message.get("id"), message.get("status")) if part))


@dataclass(frozen=True)
class BuildRun:
    """What every build of one deployment shares."""

    network: str
    bases: Bases
    on_output: Output


def ensure_built_image(
    client: AnonymousClient, source: ArtifactBuild | GitBuild, labels: Labels, run: BuildRun
) -> str:
    present = find_image(client, source.tag)
    if present is not None:
        _require_own(present, labels.install_id, source.tag)
        return str(present["Id"])
    with open_build_context(source, run.bases) as context:
        _build(client, context, _build_options(source.tag, labels, run.network), run.on_output)
    built = find_image(client, source.tag)
    if built is None:
        raise StepError(f"The image {source.tag} was gone right after it was built.", permanent=False)
    return str(built["Id"])


def _require_own(image: dict[str, Any], install_id: str, name: str) -> None:
    if (image["Config"]["Labels"] or {}).get("berth.install") != install_id:
        raise StepError(
            f"The image {name} exists already and was not made by this installation, so it was left alone."
        )


def _build_options(tag: str, labels: Labels, network: str) -> dict[str, Any]:
    return {
        "tag": tag,
        "labels": labels.for_image(),
        # The deployment's own network: the default bridge is shared by everything on the machine.
        "network_mode": network,
        "rm": True,
        "forcerm": True,
        # A build must not starve the tools that are running beside it.
        "container_limits": _BUILD_LIMITS,
        "use_config_proxy": False,
        "timeout": BUILD_SILENCE_SECONDS,
        "decode": True,
    }


def _build(
    client: AnonymousClient, context: BuildContext, options: dict[str, Any], on_output: Output
) -> None:
    transcript = _Transcript(options["tag"], on_output)
    with engine_errors(f"The image {options['tag']} could not be built"):
        messages = client.build(
            fileobj=context.stream,
            custom_context=True,
            encoding="gzip" if context.is_gzip else None,
            dockerfile=context.dockerfile,
            **options,
        )
        try:
            for message in messages:
                transcript.add(message)
        except StepError:
            _drop_layers(client, transcript.layers)
            raise


class _Transcript:
    """What a build has said so far: the instruction it is at, its last lines and the layers it made."""

    def __init__(self, tag: str, on_output: Output) -> None:
        self.layers: list[str] = []
        self._tag = tag
        self._on_output = on_output
        self._instruction = ""
        self._is_cached = False
        self._lines: deque[str] = deque(maxlen=_LAST_LINES)

    def add(self, message: dict[str, Any]) -> None:
        for line in _COLOUR.sub("", str(message.get("stream", ""))).splitlines():
            if line.strip():
                self._add_line(line)
                self._on_output(line)
        if "error" in message:
            place = f' at "{self._instruction}"' if self._instruction else ""
            words = "\n".join([*self._lines, message["error"]])
            raise StepError(f"The build of {self._tag} failed{place}:\n{words}")

    def _add_line(self, line: str) -> None:
        if _INSTRUCTION.match(line):
            self._instruction = _INSTRUCTION.sub("", line)
            self._is_cached = self._instruction.upper().startswith("FROM ")
            self._lines.clear()
        elif _CACHED.match(line):
            self._is_cached = True
        elif layer := _LAYER.match(line):
            self.layers += [] if self._is_cached else [layer[1]]
        else:
            self._lines.append(line)


def _drop_layers(client: AnonymousClient, layers: list[str]) -> None:
    """Remove what a failed build leaves behind without a name or label that it could be found by."""
    for layer in reversed(layers):
        # Gone together with the one above it, or in use by another build.
        with suppress(APIError):
            client.remove_image(layer)


def remove_image(client: AnonymousClient, image_id: str, install_id: str) -> None:
    found = find_image(client, image_id)
    if found is None:
        return
    _require_own(found, install_id, image_id)
    with engine_errors("The image could not be removed"):
        try:
            client.remove_image(found["Id"])
        except (ImageNotFound, NotFound):
            return
        except APIError as error:
            if error.status_code != 409:
                raise
            raise StepError("The image is still in use by a container.", permanent=False) from error


def list_images(client: AnonymousClient, install_id: str) -> list[dict[str, Any]]:
    """What this installation built; deployments of one version share an image."""
    return list(client.images(filters={"label": f"berth.install={install_id}"}))

"""Rules of the template manifest that a schema cannot say: each function yields "pointer reason" lines.

They run beside the schema, on documents that may be wrong anywhere, so that one report holds every problem.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from app.catalog.cron_schedule import CronError, parse_cron
from app.catalog.placeholders import (
    BUILT_IN_PLACEHOLDERS,
    HOOK_INPUT_PREFIX,
    find_placeholders,
    find_texts,
    known_placeholders,
    reserved_variables,
)
from app.catalog.schema_check import pointer

Manifest = dict[str, Any]
Problems = Iterator[str]

COMPUTE_PROVIDERS = ("docker", "swarm")
SOURCE_WORDS = ("upstream", "fork")
MAX_READINESS_SECONDS = 3600

_PATH_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    r"(?=.{1,512}\Z)(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?/)?"
    rf"{_PATH_PART}(?:/{_PATH_PART})*"
    r"(?::\w[\w.-]{0,127}(?:@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})",
    re.ASCII,
)


def is_pinned_image(reference: str) -> bool:
    """Say whether the text is an image reference with a tag or a digest."""
    return _IMAGE.fullmatch(reference) is not None


def check_refused_keys(manifest: Manifest) -> Problems:
    if "variables" in manifest:
        yield "/variables is not supported; use userInputs"
    if "requires" in manifest:
        yield "/requires is not supported; use integrations"


def check_compute_provider(manifest: Manifest) -> Problems:
    provider = manifest.get("computeProvider")
    # "railway" is an older manifest's word for the default.
    if isinstance(provider, str) and provider not in (*COMPUTE_PROVIDERS, "railway"):
        yield f"/computeProvider must be one of {', '.join(COMPUTE_PROVIDERS)}"


def check_source(manifest: Manifest) -> Problems:
    source = manifest.get("source")
    if isinstance(source, str) and source not in SOURCE_WORDS:
        yield f"/source must be one of {', '.join(SOURCE_WORDS)}, or an object"
    for key in ("outputDir", "dockerfile", "context"):
        path = source.get(key) if isinstance(source, dict) else None
        if isinstance(path, str) and (path.startswith("/") or ".." in path.split("/")):
            yield f"/source/{key} must stay inside the repository"


def check_roles(manifest: Manifest) -> Problems:
    roles = [service.get("role") for _, service in indexed(manifest, "services")]
    if roles and roles.count("web") != 1:
        yield f'/services must have exactly one service with role "web", not {roles.count("web")}'


def check_service_images(manifest: Manifest) -> Problems:
    for index, service in indexed(manifest, "services"):
        path = pointer(["services", index])
        image, artifact = service.get("image"), service.get("buildArtifact")
        if image is not None and artifact is not None:
            yield f"{path} must not have both image and buildArtifact"
        if image is None and artifact is None and not isinstance(manifest.get("source"), dict):
            yield f"{path} must have image, buildArtifact, or a top-level source object to build from"
        if isinstance(image, str) and not is_pinned_image(image):
            yield f"{path}/image must be an image reference with a tag or a digest"
        if isinstance(artifact, str) and not _is_object_key(artifact):
            yield f"{path}/buildArtifact must be a relative object key"


def _is_object_key(text: str) -> bool:
    return all(part not in ("", ".", "..") for part in text.split("/"))


def check_schedules(manifest: Manifest) -> Problems:
    for index, service in indexed(manifest, "services"):
        path, schedule = pointer(["services", index]), service.get("schedule")
        if service.get("role") == "cron" and schedule is None:
            yield f"{path} must have required property 'schedule'"
        if isinstance(schedule, str):
            try:
                parse_cron(schedule)
            except CronError as error:
                yield f"{path}/schedule {error}"


def check_volumes(manifest: Manifest) -> Problems:
    for index, service in indexed(manifest, "services"):
        paths = [volume.get("mountPath") for _, volume in indexed(service, "volumes")]
        for at, path in enumerate(paths):
            where = pointer(["services", index, "volumes", at, "mountPath"])
            if isinstance(path, str) and path in paths[:at]:
                yield f"{where} is used by an earlier volume"
            elif isinstance(path, str) and path.startswith("/") and not _is_object_key(path[1:]):
                yield f"{where} must be a plain absolute path below /"


def check_start_order(manifest: Manifest) -> Problems:
    order = manifest.get("serviceStartOrder")
    names = [service.get("name") for _, service in indexed(manifest, "services")]
    if not isinstance(order, list):
        return
    for index, name in enumerate(order):
        where = pointer(["serviceStartOrder", index])
        if name not in names:
            yield f"{where} names no service"
        elif name in order[:index]:
            yield f"{where} names a service twice"


def check_readiness_budget(manifest: Manifest) -> Problems:
    readiness = manifest.get("readiness")
    if not isinstance(readiness, dict):
        return
    retries, interval = readiness.get("maxRetries", 30), readiness.get("retryIntervalSec", 10)
    if type(retries) is int and type(interval) is int and retries * interval > MAX_READINESS_SECONDS:
        yield f"/readiness maxRetries x retryIntervalSec must be <= {MAX_READINESS_SECONDS}"


def check_databases(manifest: Manifest) -> Problems:
    seen: set[object] = set()
    for index, database in indexed(manifest, "databases"):
        path, kind, provider = pointer(["databases", index]), database.get("type"), database.get("provider")
        if isinstance(kind, str) and kind in seen:
            yield f"{path} is a second database of type {kind}; at most one per type"
        seen.add(str(kind))
        if kind == "redis" and provider == "neon":
            yield f"{path}/provider must be one of railway, docker for redis"
        if kind == "postgresql" and "persist" in database:
            yield f"{path}/persist is for redis only"
        if "image" in database and (provider or ("neon" if kind == "postgresql" else "docker")) == "neon":
            yield f"{path}/image is for container databases only"
        if isinstance(image := database.get("image"), str) and not is_pinned_image(image):
            yield f"{path}/image must be an image reference with a tag or a digest"


def check_secrets(manifest: Manifest) -> Problems:
    secrets = manifest.get("secrets")
    for name in secrets if isinstance(secrets, dict) else ():
        if name in BUILT_IN_PLACEHOLDERS:
            yield f"{pointer(['secrets', name])} name is a built-in placeholder"


def check_user_inputs(manifest: Manifest) -> Problems:
    reserved = reserved_variables(manifest)
    for index, entry in indexed(manifest, "userInputs"):
        path = pointer(["userInputs", index])
        if isinstance(entry.get("key"), str) and entry["key"] in reserved:
            yield f"{path}/key {entry['key']} is a platform variable"
        if entry.get("inputType") == "select" and "options" not in entry:
            yield f"{path} must have required property 'options'"
        validations = entry.get("validations")
        pattern = validations.get("pattern") if isinstance(validations, dict) else None
        if isinstance(pattern, str) and (trouble := _pattern_trouble(pattern)):
            yield f"{path}/validations/pattern is not a regular expression: {trouble}"


def _pattern_trouble(pattern: str) -> str | None:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return str(error) or "too deeply nested"
    return None


def check_unique_names(manifest: Manifest) -> Problems:
    keys = {"services": "name", "databases": "name", "integrations": "provider", "userInputs": "key"}
    for part, key in keys.items():
        seen: set[str] = set()
        for index, entry in indexed(manifest, part):
            name = entry.get(key)
            if isinstance(name, str) and name in seen:
                yield f"{pointer([part, index, key])} {name} is used twice"
            seen.add(str(name))


def check_admin_bootstrap(manifest: Manifest) -> Problems:
    bootstrap = manifest.get("adminBootstrap")
    if (
        isinstance(bootstrap, dict)
        and bootstrap.get("authMode") == "api_seed"
        and "seedEndpoint" not in bootstrap
    ):
        yield "/adminBootstrap must have required property 'seedEndpoint'"


def check_hooks(manifest: Manifest) -> Problems:
    for index, hook in enumerated_hooks(manifest):
        args = hook.get("args", {})
        path = args.get("path", hook.get("path")) if isinstance(args, dict) else None
        if not isinstance(path, str) or not path.startswith("/"):
            where = pointer(["deployHooks", "afterDeploy", index, "args", "path"])
            yield f'{where} must match pattern "^/"'


def enumerated_hooks(manifest: Manifest) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the well-formed deploy hooks with their index."""
    hooks = manifest.get("deployHooks")
    return indexed(hooks if isinstance(hooks, dict) else {}, "afterDeploy")


def check_placeholders(manifest: Manifest) -> Problems:
    known = known_placeholders(manifest)
    for index, service in indexed(manifest, "services"):
        yield from _unknown(service.get("env"), ("services", index, "env"), known)
    bootstrap = manifest.get("adminBootstrap")
    if isinstance(bootstrap, dict):
        yield from _unknown(bootstrap.get("payloadTemplate"), ("adminBootstrap", "payloadTemplate"), known)
    for index, hook in enumerated_hooks(manifest):
        texts = {"args": hook.get("args"), "path": hook.get("path")}
        yield from _unknown(texts, ("deployHooks", "afterDeploy", index), known, is_hook=True)


def _unknown(value: object, path: tuple[object, ...], known: set[str], *, is_hook: bool = False) -> Problems:
    for where, text in find_texts(value, path):
        for name in find_placeholders(text):
            if name not in known and not (is_hook and name.startswith(HOOK_INPUT_PREFIX)):
                is_unrequested = name in BUILT_IN_PLACEHOLDERS
                reason = "needs a resource that is not requested" if is_unrequested else "is not a known name"
                yield f"{pointer(where)} ${{{name}}} {reason}"


def indexed(document: object, key: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of an array with their index, skipping whatever is not well-formed."""
    items = document.get(key) if isinstance(document, dict) else None
    for index, item in enumerate(items if isinstance(items, list) else []):
        if isinstance(item, dict):
            yield index, item


RULES: tuple[Callable[[Manifest], Problems], ...] = (
    check_refused_keys,
    check_compute_provider,
    check_source,
    check_roles,
    check_service_images,
    check_schedules,
    check_volumes,
    check_start_order,
    check_readiness_budget,
    check_databases,
    check_secrets,
    check_user_inputs,
    check_unique_names,
    check_admin_bootstrap,
    check_hooks,
    check_placeholders,
)

"""Small tools: manifests that tests vary by keyword."""

from typing import Any

from tests.factories import unique

HTTPD = "httpd -f -p 8080 -h /www"
SMALL = {"cpus": 0.5, "memoryMB": 32}


def service(name: str, role: str, image: str, **changes: Any) -> dict[str, Any]:
    return {"name": name, "role": role, "image": image, "resources": SMALL, **changes}


def web(image: str, **changes: Any) -> dict[str, Any]:
    return service("web", "web", image, **{"startCommand": HTTPD, **changes})


def built_web(artifact: str, **changes: Any) -> dict[str, Any]:
    return {"name": "web", "role": "web", "buildArtifact": artifact, **changes}


def tool(*services: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A tool under a slug of its own that anybody may open and that is ready within ten seconds."""
    slug = unique("tool-")
    return {
        "slug": slug,
        "name": slug,
        "version": "1.0.0",
        "vendoAuth": False,
        "services": list(services),
        "readiness": {"healthPath": "/", "maxRetries": 10, "retryIntervalSec": 1},
        "integrations": [],
        **changes,
    }


def patience(seconds: int, path: str = "/") -> dict[str, Any]:
    return {"healthPath": path, "maxRetries": seconds, "retryIntervalSec": 1}

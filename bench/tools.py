"""The catalog entries of the bench tools, published the way an operator does."""

import json
from typing import Any

from bench.images import pack_context
from bench.install import Bench
from stack.seed import run_flask

_READINESS = {"healthPath": "/healthz", "maxRetries": 60, "retryIntervalSec": 1}


def publish(bench: Bench, slug: str, **service: Any) -> str:
    """Publish a tool of one web service on port 8080; returns its slug."""
    template = {
        "slug": slug,
        "name": slug.title(),
        "version": "1.0.0",
        "description": "A tool of the benches.",
        "vendoAuth": False,
        "services": [
            {
                "name": "web",
                "role": "web",
                "port": 8080,
                "resources": {"cpus": 2, "memoryMB": 128},
                **service,
            }
        ],
        "readiness": _READINESS,
        "integrations": [],
        "catalog": {"category": "bench"},
    }
    file = bench.home.run / f"{slug}.json"
    file.write_text(json.dumps(template))
    run_flask(bench.home, "tools", "publish", str(file))
    return slug


def store_artifact(bench: Bench, key: str, files: dict[str, str]) -> None:
    """Replace a build artifact in the store."""
    target = bench.home.artifacts / key
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(pack_context(files, is_gzip=True))

"""Hundreds of damaged manifests: the report never breaks, and what it passes can be normalised."""

import json
import random
from copy import deepcopy
from typing import Any

import pytest

from app.catalog.manifest import normalize_manifest, validate_manifest
from app.catalog.publishing import digest_of
from app.catalog.user_inputs import check_user_variables, wizard_inputs
from tests.app.catalog.manifests import IMAGE, mailroom, web

FULL = mailroom(
    services=[
        web(
            env={"A": "${database_url}", "B": 1},
            volumes=[{"mountPath": "/data", "sizeGB": 2}],
            resources={"cpus": 0.5, "memoryMB": 64},
        ),
        {"name": "tick", "role": "cron", "image": IMAGE, "schedule": "*/5 * * * *"},
    ],
    serviceStartOrder=["web"],
    source={"repo": "https://git.example.com/a", "outputDir": "dist"},
    userInputs=[
        {"key": "A", "inputType": "select", "options": [{"label": "x", "value": "y"}], "default": "y"},
        {"key": "B", "inputType": "number", "validations": {"min": 1, "max": 5}, "wizardStep": "one"},
    ],
    wizardLayout={
        "version": 1,
        "subSteps": [{"id": "a", "title": "A", "sections": [{"type": "wizard_inputs", "groups": ["one"]}]}],
    },
    adminBootstrap={"authMode": "api_seed", "seedEndpoint": "/s", "payloadTemplate": {"e": "${admin_email}"}},
    appCredentialSeed={
        "endpoint": "/c",
        "items": [{"provider": "openrouter", "apiKeyVar": "K", "baseUrlVar": "U"}],
    },
    deployHooks={"afterDeploy": [{"kind": "telegram_set_webhook", "args": {"path": "/t"}}]},
    catalog={"marketing": {"a": 1}},
)
JUNK = [
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "x",
    "${nope}",
    "/",
    [],
    {},
    [[]],
    [{}],
    [None],
    {"a": {}},
    "\x00",
    10**30,
]


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [
        *([path] if path else []),
        *(deeper for key, item in items for deeper in paths_of(item, (*path, key))),
    ]


def damage(document: Any, path: tuple[Any, ...], choice: random.Random) -> None:
    *parents, last = path
    for key in parents:
        document = document[key]
    if choice.random() < 0.2:
        del document[last]
    else:
        document[last] = deepcopy(choice.choice(JUNK))


@pytest.mark.parametrize("seed", range(8))
def test_a_damaged_manifest_is_reported_or_usable(seed):
    choice = random.Random(seed)
    for _ in range(100):
        document = deepcopy(FULL)
        for _ in range(choice.randint(1, 2)):
            damage(document, choice.choice(paths_of(document)), choice)
        report = validate_manifest(document, known_providers={"openrouter", "telegram"})
        json.dumps(report.problems)
        if report.is_valid:
            manifest = normalize_manifest(document)
            assert normalize_manifest(manifest) == manifest
            assert check_user_variables(manifest["userInputs"], {}, ()) is not None
            assert wizard_inputs(document) is not None
            assert digest_of(document)


def test_the_undamaged_manifest_is_valid():
    assert validate_manifest(FULL, known_providers=None).problems == []

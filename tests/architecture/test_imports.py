"""Who may import whom, and who may touch the environment, the engine and a shell."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.core.queue import TASK_NAMES
from tests.architecture.sources import ROOT, SLICES, Source, is_under, sources

# Beside the slices: what every slice may use, and what puts the slices together.
SHARED = ("app.http", "app.envelopes")
COMPOSITION = ("app.factory", "app.slices", "app.commands", "app.models", "app.openapi", "app.logs")
PRIVATE_FILES = ("routes", "schemas", "commands")

# Part of a slice's web or command side although the file is named after its noun.
WEB_SIDE = {
    "app.catalog.command_output",
    "app.catalog.publish_command",
    "app.deployments.log_stream",
    "app.edge.forward",
    "app.edge.hosts",
    "app.edge.pages",
    "app.edge.websocket",
}
# Enough to import the workers; nothing connects before a task runs.
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "PYTHONDONTWRITEBYTECODE": "1",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "PUBLIC_URL": "http://localhost:8080",
    "BERTH_HOME": "/nonexistent",
    "INTEGRATION_ENCRYPTION_KEY": "k1:" + "A" * 43 + "=",
}


def offending(files: list[Source], *forbidden: str) -> list[str]:
    return [
        f"{source.relative} imports {name}"
        for source in files
        for name in source.imports()
        if is_under(name, *forbidden)
    ]


def test_app_knows_neither_workers_nor_deploy_runner() -> None:
    assert offending(sources("app"), "workers", "deploy_runner", "stack") == []


def test_deploy_runner_knows_neither_app_nor_flask_nor_database() -> None:
    forbidden = ("app", "workers", "stack", "flask", "sqlalchemy", "celery", "redis", "pydantic")
    assert offending(sources("deploy_runner"), *forbidden) == []


def test_workers_know_nothing_of_the_web() -> None:
    web = ("flask", "stack", *SHARED[:1], *COMPOSITION[:3], *COMPOSITION[4:])
    assert offending(sources("workers"), *web) == []


def test_only_composition_imports_composition() -> None:
    files = [source for source in sources("app") if source.slice_name or source.module in SHARED]
    assert offending(files, *COMPOSITION) == []


def test_slices_import_only_to_their_left() -> None:
    broken = []
    for source in sources("app"):
        if source.slice_name is None:
            continue
        later = [f"app.{name}" for name in SLICES[SLICES.index(source.slice_name) + 1 :]]
        broken += offending([source], *later)
    assert broken == []


def test_core_imports_nothing_else_of_app() -> None:
    assert offending(sources("app/core"), *SHARED, *COMPOSITION) == []


def test_shared_files_stand_on_core_and_identity_only() -> None:
    files = [source for source in sources("app") if source.module in SHARED]
    assert len(files) == len(SHARED)
    assert offending(files, *(f"app.{name}" for name in SLICES[2:])) == []


def test_nobody_imports_the_inside_of_another_slice() -> None:
    broken = []
    for source in sources("app", "workers"):
        if source.module in COMPOSITION:
            continue
        inside = [name for name in source.imports() if is_inside_another(name, source.slice_name)]
        broken += [f"{source.relative} imports {name}" for name in inside]
    assert broken == []


def is_inside_another(name: str, own: str | None) -> bool:
    """Whether a dotted name is a route, a schema, a command or a private name of a slice other than `own`."""
    parts = name.split(".")
    if len(parts) < 3 or parts[0] != "app" or parts[1] not in SLICES or parts[1] == own:
        return False
    return parts[2].endswith(PRIVATE_FILES) or any(part.startswith("_") for part in parts)


def test_services_models_and_core_load_no_flask() -> None:
    """Not even through something they import: a worker that loads them must stay without a web framework."""
    modules = [source.module for source in sources("app") if may_not_load_flask(source)]
    assert {"app.core.queue", "app.identity.tenants", "app.identity.models"} <= set(modules)
    assert {source.module for source in sources("app")} >= WEB_SIDE
    script = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(name)\n"
        "    if 'flask' in sys.modules:\n"
        "        sys.exit(f'{name} loads flask')\n"
    )
    assert run_python(script, *modules) == ""


def may_not_load_flask(source: Source) -> bool:
    if source.slice_name is None or source.module in WEB_SIDE:
        return False
    return not source.path.stem.endswith(("routes", "commands"))


def test_names_sent_are_the_names_the_workers_register() -> None:
    """A registered task that the web process does not send must be on the schedule of beat."""
    script = (
        "from workers.celery_app import celery\n"
        "celery.loader.import_default_modules()\n"
        "scheduled = {entry['task'] for entry in celery.conf.beat_schedule.values()}\n"
        "own = {name for name in celery.tasks if not name.startswith('celery.')}\n"
        "print(*sorted(own), '|', *sorted(scheduled), file=sys.stderr)\n"
    )
    registered, _, scheduled = run_python(f"import sys\n{script}").partition("|")
    assert set(TASK_NAMES) | set(scheduled.split()) == set(registered.split())


def run_python(script: str, *arguments: str) -> str:
    """What a fresh interpreter writes to standard error when it runs `script` in the project."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stderr.strip()


def test_only_settings_read_the_environment() -> None:
    # The static site server is copied into a container and runs there alone.
    allowed = ("app.core.config", "deploy_runner.static_site.server")
    files = [item for item in sources("app", "workers", "deploy_runner") if item.module not in allowed]
    assert uses(files, "os", {"environ", "environb", "getenv", "putenv"}) == []


def test_only_engines_import_the_docker_package() -> None:
    # The rules of .dockerignore come with the package and open no connection.
    allowed = "docker.utils.build.PatternMatcher"
    outside = [
        source
        for source in sources("app", "workers", "deploy_runner", "stack")
        if not is_under(source.module, "deploy_runner.engines")
    ]
    assert [place for place in offending(outside, "docker") if not place.endswith(allowed)] == []


def test_nothing_goes_through_a_shell() -> None:
    files = sources("app", "workers", "deploy_runner", "stack", "bench", "examples", "tests")
    assert uses(files, "os", {"system", "popen"}) == []
    assert uses(files, "subprocess", {"getoutput", "getstatusoutput"}) == []
    assert uses(files, "asyncio", {"create_subprocess_shell"}) == []
    assert [place for source in files for place in shell_arguments(source)] == []


def uses(files: list[Source], module: str, names: set[str]) -> list[str]:
    """Where one of `names` of `module` is used, as an attribute or by import."""
    found = []
    for source in files:
        for node in ast.walk(source.tree):
            attribute = (
                isinstance(node, ast.Attribute)
                and node.attr in names
                and isinstance(node.value, ast.Name)
                and node.value.id == module
            )
            imported = isinstance(node, ast.ImportFrom) and node.module == module
            if attribute or (imported and names & {alias.name for alias in node.names}):
                found.append(f"{source.relative}:{node.lineno}")
    return found


def shell_arguments(source: Source) -> list[str]:
    return [
        f"{source.relative}:{node.value.lineno}"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.keyword)
        and node.arg == "shell"
        and not (isinstance(node.value, ast.Constant) and node.value.value is False)
    ]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import os\nos.environ['A']", True),
        ("from os import getenv", True),
        ("import os\nos.path.join('a')", False),
        ("environ = {}\nenviron['A']", False),
    ],
)
def test_use_of_the_environment_is_recognised(code: str, found: bool, tmp_path: Path) -> None:
    probe = Probe(tmp_path / "probe.py", code)
    assert bool(uses([probe], "os", {"environ", "getenv"})) is found


@pytest.mark.parametrize(("code", "found"), [("run(x, shell=True)", True), ("run(x, shell=False)", False)])
def test_shell_argument_is_recognised(code: str, found: bool, tmp_path: Path) -> None:
    assert bool(shell_arguments(Probe(tmp_path / "probe.py", code))) is found


class Probe(Source):
    """A file outside the project, made for one test."""

    def __init__(self, path: Path, code: str) -> None:
        super().__init__(path)
        path.write_text(code)

    @property
    def relative(self) -> str:
        return self.path.name

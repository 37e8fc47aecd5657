"""Dockerfiles for sources that bring none. Commands go in as JSON, so no text can add an instruction."""

import json
import re
from pathlib import Path

from deploy_runner.build_context import Bases, ContextWriter, require_inner_path
from deploy_runner.errors import StepError
from deploy_runner.plan import GitBuild

SITE_FOLDER = "site"
SOURCE_FOLDER = "source"
_SERVER = Path(__file__).parent / "static_site" / "server.py"
_NODE_VERSION = re.compile(r"[0-9][A-Za-z0-9._-]{0,60}")
_OUTPUT_DIR = re.compile(r"[A-Za-z0-9._/@+-]+")

_SERVE = """\
COPY server.py /srv/server.py
USER 65534:65534
ENV PORT=8080
CMD ["python3", "-I", "/srv/server.py", "/srv/site"]
"""


def add_static_site(writer: ContextWriter, bases: Bases) -> None:
    """Add what serves the files that the caller puts under `site/`."""
    writer.add_text("Dockerfile", f"FROM {bases.python}\nCOPY {SITE_FOLDER}/ /srv/site/\n{_SERVE}")
    writer.add_text("server.py", _SERVER.read_text())


def add_node_site(writer: ContextWriter, source: GitBuild, bases: Bases) -> None:
    """Add what builds the files that the caller puts under `source/`, and serves the outcome."""
    writer.add_text("Dockerfile", node_dockerfile(source, bases))
    writer.add_text("server.py", _SERVER.read_text())


def node_dockerfile(source: GitBuild, bases: Bases) -> str:
    output = require_inner_path(source.output_dir or ".", "The output directory")
    if not _OUTPUT_DIR.fullmatch(output) or not _NODE_VERSION.fullmatch(source.node_version):
        raise StepError("The output directory or the Node version has characters that are not allowed.")
    commands = [command for command in (source.install_command, source.build_command) if command]
    lines = [
        f"FROM {bases.node}:{source.node_version} AS build",
        "WORKDIR /src",
        f"COPY {SOURCE_FOLDER}/ /src/",
        *(f"RUN {json.dumps(['sh', '-c', command])}" for command in commands),
        f"FROM {bases.python}",
        f"COPY --from=build /src/{output}/ /srv/site/",
    ]
    return "\n".join(lines) + "\n" + _SERVE

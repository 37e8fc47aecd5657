"""Turns a source into the tar stream that an engine builds an image from."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from deploy_runner.artifacts import ArtifactLimits, copy_as_site, inspect_artifact
from deploy_runner.build_context import Bases, BuildContext, ContextWriter, require_inner_path
from deploy_runner.dockerfiles import SOURCE_FOLDER, add_node_site, add_static_site
from deploy_runner.errors import StepError
from deploy_runner.git_source import open_git_source
from deploy_runner.plan import ArtifactBuild, GitBuild


def artifact_digest(path: Path) -> str:
    """The archive's content as hex digits; a tag that ends in some of them never names two contents."""
    with path.open("rb") as archive:
        return hashlib.file_digest(archive, "sha256").hexdigest()


@contextmanager
def open_build_context(
    source: ArtifactBuild | GitBuild, bases: Bases, limits: ArtifactLimits | None = None
) -> Iterator[BuildContext]:
    """Yield the build's input; raises StepError when the source is unsafe, too large or out of reach."""
    with TemporaryFile(prefix="berth-context-") as scratch:
        if isinstance(source, ArtifactBuild):
            with _open_artifact(source, bases, limits or ArtifactLimits(), scratch) as context:
                yield context
        else:
            yield _write_git_context(source, bases, scratch)


@contextmanager
def _open_artifact(
    source: ArtifactBuild, bases: Bases, limits: ArtifactLimits, scratch: IO[bytes]
) -> Iterator[BuildContext]:
    names = inspect_artifact(source.archive, limits)
    if not names:
        raise StepError("The build artifact is empty.")
    if "Dockerfile" in names:
        with source.archive.open("rb") as archive:
            yield BuildContext(archive, is_gzip=True)
        return
    writer = ContextWriter(scratch)
    add_static_site(writer, bases)
    copy_as_site(source.archive, writer)
    yield _finish(writer, scratch)


def _write_git_context(source: GitBuild, bases: Bases, scratch: IO[bytes]) -> BuildContext:
    dockerfile = require_inner_path(source.dockerfile, "The Dockerfile")
    writer = ContextWriter(scratch)
    with open_git_source(source) as repository:
        if source.output_dir is not None:
            add_node_site(writer, source, bases)
            repository.copy(list(repository.files), writer, f"{SOURCE_FOLDER}/")
            return _finish(writer, scratch)
        if dockerfile not in repository.files:
            raise StepError(f"The repository has no file {source.dockerfile!r} to build.")
        repository.copy(repository.list_wanted(dockerfile), writer, "")
    return _finish(writer, scratch, dockerfile)


def _finish(writer: ContextWriter, scratch: IO[bytes], dockerfile: str = "Dockerfile") -> BuildContext:
    writer.finish()
    scratch.seek(0)
    return BuildContext(scratch, dockerfile)

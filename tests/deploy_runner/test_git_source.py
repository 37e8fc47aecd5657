"""Git sources from a real server on loopback."""

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy_runner.build import open_build_context
from deploy_runner.build_context import Bases
from deploy_runner.errors import StepError
from deploy_runner.plan import GitBuild
from tests.deploy_runner.plans import free_port
from tests.git_origin import Origin, serve_origin

BASES = Bases(python="example/python:1", node="example/node")


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[Origin]:
    with serve_origin(tmp_path / "origin.git") as served:
        yield served


def source(origin: Origin, **changes: Any) -> GitBuild:
    values: dict[str, Any] = {
        "repo": origin.url,
        "ref": None,
        "dockerfile": "Dockerfile",
        "context": ".",
        "install_command": None,
        "build_command": None,
        "output_dir": None,
        "node_version": "20",
        "tag": "berth/x:1",
    }
    return GitBuild(**{**values, **changes})


def read_context(build: GitBuild) -> dict[str, str]:
    with (
        open_build_context(build, BASES) as context,
        tarfile.open(fileobj=context.stream, mode="r:") as members,
    ):
        return {
            member.name: (file.read().decode() if (file := members.extractfile(member)) else member.linkname)
            for member in members
            if member.isfile() or member.issym()
        }


def test_the_default_branch_is_built_by_its_dockerfile(origin: Origin) -> None:
    origin.commit({"Dockerfile": "FROM scratch\n", "src/app.py": "one"}, links={"link": "src/app.py"})
    found = read_context(source(origin))
    assert found["Dockerfile"] == "FROM scratch\n"
    assert found["src/app.py"] == "one"


@pytest.mark.parametrize("ref", ["old", "v1", "refs/heads/old"])
def test_a_branch_or_tag_may_be_named(origin: Origin, ref: str) -> None:
    commit = origin.commit({"Dockerfile": "FROM scratch\n", "version": "old"}, branch="old")
    origin.repo.refs[b"refs/tags/v1"] = commit.encode()
    origin.commit({"Dockerfile": "FROM scratch\n", "version": "new"})
    assert read_context(source(origin, ref=ref))["version"] == "old"


def test_a_pinned_commit_is_found_though_no_branch_points_at_it(origin: Origin) -> None:
    pinned = origin.commit({"Dockerfile": "FROM scratch\n", "version": "old"})
    newest = origin.commit({"Dockerfile": "FROM scratch\n", "version": "new"})
    assert read_context(source(origin, ref=pinned))["version"] == "old"
    assert read_context(source(origin, ref=newest))["version"] == "new"


def test_the_context_folder_and_the_ignore_file_are_honoured(origin: Origin) -> None:
    origin.commit(
        {
            "secret.txt": "outside",
            "app/build/Dockerfile": "FROM scratch\n",
            "app/.dockerignore": "# comment\nnode_modules\n*.log\n",
            "app/node_modules/x/y.js": "x",
            "app/run.log": "x",
            "app/main.js": "x",
        }
    )
    build = source(origin, context="app", dockerfile="build/Dockerfile")
    assert set(read_context(build)) == {"build/Dockerfile", ".dockerignore", "main.js"}


def test_an_output_folder_makes_a_static_site_of_the_build(origin: Origin) -> None:
    origin.commit({"Dockerfile": "FROM nothing\n", "index.js": "x"})
    build = source(
        origin, output_dir="./dist", install_command='npm ci "a b"', build_command="npm run\nbuild"
    )
    found = read_context(build)
    lines = found["Dockerfile"].splitlines()
    assert lines[0] == "FROM example/node:20 AS build"
    assert r'RUN ["sh", "-c", "npm ci \"a b\""]' in lines
    assert r'RUN ["sh", "-c", "npm run\nbuild"]' in lines
    assert "COPY --from=build /src/dist/ /srv/site/" in lines
    assert found["source/index.js"] == "x"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ref": "absent"}, "no branch or tag 'absent'"),
        ({"ref": "0" * 40}, "has no commit|could not be read"),
        ({"dockerfile": "Other"}, "no file 'Other'"),
        ({"context": "absent"}, "no files in 'absent'"),
        ({"context": "../.."}, "outside of the source"),
        ({"dockerfile": "/etc/passwd"}, "outside of the source"),
        ({"output_dir": "../../etc"}, "outside of the source"),
        ({"output_dir": "a b\nRUN x"}, "not allowed"),
        ({"output_dir": "dist", "node_version": "20\nRUN x"}, "not allowed"),
        ({"repo": "git://example.com/x"}, "https or http"),
        ({"repo": "file:///etc"}, "https or http"),
        ({"repo": "https://user:token@example.com/x"}, "must not carry"),
    ],
)
def test_what_cannot_be_had_is_told_in_words(origin: Origin, changes: dict[str, Any], words: str) -> None:
    origin.commit({"Dockerfile": "FROM scratch\n"})
    with pytest.raises(StepError, match=words) as caught:
        read_context(source(origin, **changes))
    assert "token" not in caught.value.message


def test_an_absent_repository_is_permanent_and_an_absent_server_is_not(origin: Origin) -> None:
    with pytest.raises(StepError, match="does not exist or is private") as absent:
        read_context(source(origin, repo=origin.url.replace("tool", "other")))
    with pytest.raises(StepError, match="could not be reached") as unreachable:
        read_context(source(origin, repo=f"http://127.0.0.1:{free_port()}/tool.git"))
    assert (absent.value.permanent, unreachable.value.permanent) == (True, False)

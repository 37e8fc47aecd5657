"""Artifacts as build contexts, without an engine."""

import tarfile
from pathlib import Path

import pytest

from deploy_runner.artifacts import ArtifactLimits
from deploy_runner.build import artifact_digest, open_build_context
from deploy_runner.build_context import Bases
from deploy_runner.errors import StepError
from deploy_runner.plan import ArtifactBuild
from tests.deploy_runner.archives import special, write_archive

BASES = Bases(python="example/python:1", node="example/node")


def open_context(archive: Path, limits: ArtifactLimits | None = None) -> dict[str, tarfile.TarInfo]:
    with (
        open_build_context(ArtifactBuild(archive, "berth/x:1"), BASES, limits) as context,
        tarfile.open(fileobj=context.stream, mode="r:*") as members,
    ):
        return {member.name: member for member in members}


def test_an_artifact_with_a_dockerfile_is_sent_as_it_is(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "a.tgz", {"./Dockerfile": "FROM scratch\n", "app.py": ""})
    with open_build_context(ArtifactBuild(archive, "berth/x:1"), BASES) as context:
        assert context.is_gzip
        assert context.stream.read() == archive.read_bytes()


def test_other_artifacts_become_a_static_site(tmp_path: Path) -> None:
    link = special("latest.html", tarfile.SYMTYPE, "docs/a.html")
    twin = special("twin.html", tarfile.LNKTYPE, "docs/a.html")
    members = open_context(
        write_archive(tmp_path / "a.tgz", {"index.html": "hi", "docs/a.html": "a"}, link, twin)
    )
    assert {"Dockerfile", "server.py", "site/index.html", "site/docs/a.html"} <= set(members)
    assert members["site/index.html"].mode == 0o644
    assert members["site/latest.html"].linkname == "docs/a.html"
    assert members["site/twin.html"].linkname == "site/docs/a.html"


@pytest.mark.parametrize(
    "member",
    [
        special("/etc/cron.d/job", tarfile.REGTYPE),
        special("../outside", tarfile.REGTYPE),
        special("a/../../outside", tarfile.REGTYPE),
        special("link", tarfile.SYMTYPE, "/etc/shadow"),
        special("a/link", tarfile.SYMTYPE, "../../outside"),
        special("link", tarfile.LNKTYPE, "../outside"),
        special("disk", tarfile.BLKTYPE),
        special("tty", tarfile.CHRTYPE),
        special("pipe", tarfile.FIFOTYPE),
    ],
)
def test_unsafe_members_are_refused(tmp_path: Path, member: tarfile.TarInfo) -> None:
    archive = write_archive(tmp_path / "a.tgz", {"index.html": "hi"}, member)
    with pytest.raises(StepError, match=r"outside of the source|not allowed"):
        open_context(archive)


def test_a_file_behind_a_link_is_refused(tmp_path: Path) -> None:
    link, behind = special("here", tarfile.SYMTYPE, "."), special("here/file", tarfile.REGTYPE)
    with pytest.raises(StepError, match="behind a link"):
        open_context(write_archive(tmp_path / "a.tgz", {}, link, behind))


@pytest.mark.parametrize(
    "limits", [ArtifactLimits(members=2), ArtifactLimits(unpacked_bytes=5), ArtifactLimits(archive_bytes=50)]
)
def test_size_limits_hold(tmp_path: Path, limits: ArtifactLimits) -> None:
    archive = write_archive(tmp_path / "a.tgz", {"a": "123", "b": "456", "c": ""})
    with pytest.raises(StepError, match=r"too large|too many"):
        open_context(archive, limits)


@pytest.mark.parametrize("content", [b"", b"plain text", b"\x1f\x8b\x08\x00broken"])
def test_what_is_no_gzip_tar_is_refused(tmp_path: Path, content: bytes) -> None:
    archive = tmp_path / "a.tgz"
    archive.write_bytes(content)
    with pytest.raises(StepError, match="not a readable gzip tar"):
        open_context(archive)


def test_an_empty_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="is empty"):
        open_context(write_archive(tmp_path / "a.tgz", {}))


def test_the_digest_follows_the_content(tmp_path: Path) -> None:
    one, same, other = (tmp_path / name for name in ("one", "same", "other"))
    one.write_bytes(b"content")
    same.write_bytes(b"content")
    other.write_bytes(b"other")
    assert artifact_digest(one) == artifact_digest(same) != artifact_digest(other)

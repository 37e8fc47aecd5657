import pytest

from app.catalog.releases import is_older_version
from app.catalog.semver import Version

ASCENDING = [
    "0.9.9",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-rc.2",
    "1.0.0-rc.10",
    "1.0.0",
]
ASCENDING += ["1.0.1", "1.2.0", "1.10.0", "2.0.0"]


def test_versions_are_ordered_as_semantic_versions():
    assert sorted(ASCENDING, key=Version) == ASCENDING


@pytest.mark.parametrize(
    ("version", "other", "is_older"), [("1.2.0", "1.10.0", True), ("1.2.0", "1.2.0", False)]
)
def test_a_version_is_older_or_not(version, other, is_older):
    assert is_older_version(version, other) is is_older


@pytest.mark.parametrize("odd", ["1.0.0-.", "1.0.0--", "1.0.0-a..b", "01.0.0", "1.0.0-1", "9" * 50 + ".0.0"])
def test_every_version_the_pattern_admits_can_be_compared(odd):
    assert isinstance(Version(odd) < Version("1.0.0"), bool)

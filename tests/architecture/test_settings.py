"""`docs/settings.md` says what every setting means, and nothing about one that does not exist."""

import dataclasses
import re

import pytest

from app.core.config import Settings, setting_names
from tests.architecture.sources import ROOT

DOCUMENT = (ROOT / "docs/settings.md").read_text()


def entries() -> dict[str, str]:
    """Text under each heading, by the name of its setting."""
    parts = re.split(r"^### `([A-Z_]+)`\n", DOCUMENT, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_setting_has_a_heading_and_every_heading_a_setting() -> None:
    assert sorted(entries()) == sorted(setting_names())


@pytest.mark.parametrize("item", dataclasses.fields(Settings), ids=lambda item: item.metadata["env"])
def test_entry_gives_the_default_and_an_example(item: dataclasses.Field[object]) -> None:
    default = item.metadata["default"]
    text = entries()[item.metadata["env"]]
    wanted = "required" if default is None else f"`{default}`" if default else "empty"
    assert f"Default: {wanted}" in text
    assert re.search(r"Example: `[^`]+`", text)

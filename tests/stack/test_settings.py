"""The quick start's settings: defaults, and one line that names what is wrong."""

import pytest

from stack.errors import StackError
from stack.settings import read_settings


def test_defaults_are_the_documented_ones() -> None:
    settings = read_settings({})
    assert settings.port == 8080
    assert settings.base_domain == "localhost"
    assert settings.public_url == "http://localhost:8080"
    assert settings.home.name == ".berth"


def test_public_url_follows_the_port() -> None:
    assert read_settings({"BERTH_PORT": "9001"}).public_url == "http://localhost:9001"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BERTH_PORT", "http"),
        ("BERTH_PORT", "70000"),
        ("BERTH_BIND", "localhost"),
        ("PUBLIC_URL", "berth.example.com"),
        ("PUBLIC_URL", "https://berth.example.com/path"),
        ("NETWORK_RANGE", "8.8.0.0/16"),
        ("NETWORK_RANGE", "10.0.0.0/28"),
        ("NETWORK_RANGE", "ten"),
    ],
)
def test_bad_value_is_named(name: str, value: str) -> None:
    with pytest.raises(StackError, match=f"{name} must be"):
        read_settings({name: value})

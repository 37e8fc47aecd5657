"""Secrets are blanked in every form that they are likely to appear in."""

import base64
from urllib.parse import quote, quote_plus

import pytest

from workers.redaction import Redactor

SECRET = "p@ss w/ord+\u00e9&=?"


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        quote(SECRET, ""),
        quote_plus(SECRET),
    ],
)
def test_every_form_is_blanked(form: str) -> None:
    cleaned = Redactor([SECRET]).clean(f"before {form} after")
    assert form.rstrip("=") not in cleaned
    assert cleaned.startswith("before ***")
    assert cleaned.endswith(" after")


def test_a_secret_inside_another_leaves_nothing_of_the_longer_one() -> None:
    assert Redactor(["secret", "secret-and-more"]).clean("x secret-and-more y") == "x *** y"


def test_each_line_of_a_secret_of_many_lines_is_blanked() -> None:
    assert Redactor(["-----BEGIN-----\nabcdefgh\n"]).clean("it was abcdefgh") == "it was ***"


def test_short_values_are_left_because_they_are_words() -> None:
    assert Redactor(["on", "true", ""]).clean("it is true, go on") == "it is true, go on"


def test_signs_with_a_meaning_in_patterns_are_taken_as_they_are() -> None:
    assert Redactor([".*.*.*"]).clean("nothing here; .*.*.*") == "nothing here; ***"


def test_its_repr_shows_no_secret() -> None:
    assert SECRET not in repr(Redactor([SECRET]))

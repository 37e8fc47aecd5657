import logging

import pytest

from app.catalog.wizard_layout import SECTION_TYPES, find_layout_problems, read_wizard_layout


def layout(**step):
    base = {"id": "basics", "title": "Basics", "sections": [{"type": "deployment_name"}]}
    return {"version": 1, "subSteps": [{**base, **step}]}


@pytest.mark.parametrize("kind", SECTION_TYPES)
def test_every_section_type_is_taken(kind):
    assert find_layout_problems(layout(sections=[{"type": kind, "groups": [], "providers": ["*"]}])) == []


@pytest.mark.parametrize(
    ("step", "line"),
    [
        ({"id": "a b"}, '/wizardLayout/subSteps/0/id must match pattern "^[A-Za-z0-9_-]{1,64}$"'),
        ({"title": ""}, "/wizardLayout/subSteps/0/title must not be shorter than 1 characters"),
        ({"title": "x" * 61}, "/wizardLayout/subSteps/0/title must not be longer than 60 characters"),
        ({"sections": []}, "/wizardLayout/subSteps/0/sections must not have fewer than 1 items"),
        ({"optional": "no"}, "/wizardLayout/subSteps/0/optional must be boolean"),
        (
            {"sections": [{"type": "wizard_inputs", "groups": "all"}]},
            "/wizardLayout/subSteps/0/sections/0/groups must be array",
        ),
    ],
)
def test_a_broken_layout_is_reported(step, line):
    assert find_layout_problems(layout(**step)) == [line]


def test_a_stored_layout_that_no_longer_validates_is_served_as_none_and_logged(caplog):
    caplog.set_level(logging.WARNING)
    assert read_wizard_layout(layout(), "inkwell") == layout()
    assert read_wizard_layout({"version": 9}, "inkwell") is None
    assert "wizard layout of inkwell is not served" in caplog.text


@pytest.mark.parametrize("stored", [None, "x", [], 3])
def test_no_layout_is_one_page(stored):
    assert read_wizard_layout(stored, "inkwell") is None

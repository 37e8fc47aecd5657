import time

import pytest

from app.catalog.user_inputs import check_user_variables, to_text, wizard_inputs


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-5, "-5"),
        (1.0, "1"),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        (1e21, "1000000000000000000000"),
        (-0.0, "0"),
        ("x", "x"),
        ("", ""),
    ],
)
def test_values_become_text_without_exponents(value, text):
    assert to_text(value) == text


def check(entry, value, reserved=()):
    return check_user_variables([{"key": "A", **entry}], {} if value is None else {"A": value}, reserved)


REQUIRED = {"category": "user_required"}
SELECT = {"inputType": "select", "options": [{"label": "One", "value": "1"}, {"label": "Two", "value": 2}]}


@pytest.mark.parametrize(
    ("entry", "value", "problems"),
    [
        ({}, None, []),
        ({}, "anything", []),
        (REQUIRED, None, ["A is required"]),
        (REQUIRED, "", ["A is required"]),
        ({**REQUIRED, "default": "x"}, None, []),
        ({**REQUIRED, "default": "x"}, "", ["A is required"]),
        ({**REQUIRED, "inputType": "boolean"}, False, []),
        (SELECT, "1", []),
        (SELECT, 2, []),
        (SELECT, "3", ["A must be one of 1, 2"]),
        (SELECT, "", []),
        ({"inputType": "boolean"}, True, []),
        ({"inputType": "boolean"}, "true", []),
        ({"inputType": "boolean"}, "yes", ["A must be true or false"]),
        ({"inputType": "boolean"}, 1, ["A must be true or false"]),
        ({"inputType": "number"}, 3.5, []),
        ({"inputType": "number"}, "-3", []),
        ({"inputType": "number"}, "3e5", ["A must be a number"]),
        ({"inputType": "number"}, True, ["A must be a number"]),
        ({"inputType": "number", "validations": {"min": 1, "max": 5}}, 0, ["A must be >= 1"]),
        ({"inputType": "number", "validations": {"min": 1, "max": 5}}, 5.1, ["A must be <= 5"]),
        ({"validations": {"minLength": 2}}, "x", ["A must not be shorter than 2 characters"]),
        ({"validations": {"maxLength": 2}}, "xyz", ["A must not be longer than 2 characters"]),
        ({"validations": {"pattern": "b+"}}, "abc", []),
        ({"validations": {"pattern": "^b"}}, "abc", ['A must match pattern "^b"']),
        ({"validations": {"pattern": "^b"}}, "", []),
    ],
)
def test_a_value_is_held_against_its_input(entry, value, problems):
    assert check(entry, value) == problems


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "must be a string, a number or a boolean"),
        ([], "must be a string, a number or a boolean"),
        ("x" * 10001, "is longer than 10000 characters"),
        ("a\x00b", "must not contain a NUL character"),
        ("\ud800", "must not contain an unpaired surrogate"),
        (float("nan"), "must be a finite number"),
    ],
)
def test_a_value_that_cannot_be_stored_is_refused(value, reason):
    assert check_user_variables([], {"A": value}, ()) == [f"A {reason}"]


@pytest.mark.parametrize("key", ["a", "1A", "A-B", "", "A\n", "É", "A" * 129])
def test_a_key_that_is_no_variable_name_is_refused(key):
    assert check_user_variables([], {key: "x"}, ()) == [f"{key[:128]} is not a variable name"]


def test_more_than_two_hundred_variables_are_refused():
    values = {f"A{number}": 1 for number in range(201)}
    assert check_user_variables([], values, ()) == ["at most 200 variables"]


def test_a_platform_variable_is_refused_unless_the_manifest_asks_for_it():
    assert check_user_variables([], {"PORT": "1"}, {"PORT"}) == ["PORT is set by the platform"]
    assert (
        check_user_variables([{"key": "OPENAI_API_KEY"}], {"OPENAI_API_KEY": "x"}, {"OPENAI_API_KEY"}) == []
    )


def test_an_undeclared_variable_is_kept():
    assert check_user_variables([], {"EXTRA": "x"}, {"PORT"}) == []


def test_a_pattern_that_never_ends_refuses_the_value_instead_of_hanging():
    started = time.monotonic()
    problems = check({"validations": {"pattern": "^(a+)+$"}}, "a" * 60 + "!")
    assert problems == ['A must match pattern "^(a+)+$"']
    assert time.monotonic() - started < 30


def test_wizard_inputs_carry_type_and_required_beside_their_own_fields():
    manifest = {
        "userInputs": [
            {"key": "A", "inputType": "number", "category": "user_required"},
            {"key": "B", "inputType": "boolean"},
            {"key": "C", "inputType": "select", "options": [{"label": "x", "value": "y"}]},
            {"key": "D"},
        ]
    }
    inputs = wizard_inputs(manifest)
    assert [(entry["type"], entry["required"]) for entry in inputs] == [
        ("number", True),
        ("boolean", False),
        ("string", False),
        ("string", False),
    ]
    assert inputs[2]["options"] == [{"label": "x", "value": "y"}]
    assert wizard_inputs({}) == []

import pytest

from app.catalog.vendo_yaml import validate_vendo_yaml

CLEAN = """
name: mailroom
version: 1
runtime: python
integrations: [openrouter, telegram]
env: { required: [DATABASE_URL], optional: [LOG_LEVEL] }
health: { path: /healthz, port: 8080 }
restart_on: [telegram]
"""
NAME_LINE = '/name must match pattern "^[a-z][a-z0-9-]{1,62}[a-z0-9]$"'


@pytest.mark.parametrize("text", [CLEAN, "name: abc\nversion: 1\nintegrations: []\n"])
def test_a_clean_file_has_no_problems(text):
    assert validate_vendo_yaml(text) == []


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("name: ab", NAME_LINE),
        ("name: My-App", NAME_LINE),
        (f"name: {'a' * 65}", NAME_LINE),
        ("version: 2", "/version must be equal to constant: 1"),
        ('version: "1"', "/version must be equal to constant: 1"),
        ("version: true", "/version must be equal to constant: 1"),
        ("runtime: typescript", "/runtime must be one of python, node, go, rust, ruby, java, other"),
        ("integrations: [{provider: telegram}]", "/integrations/0 must be string"),
        ("integrations: [a, a]", "/integrations must not have duplicate items"),
        ("integrations: [Slack]", '/integrations/0 must match pattern "^[a-z][a-z0-9_-]*$"'),
        ("env: {required: [lower]}", '/env/required/0 must match pattern "^[A-Z][A-Z0-9_]*$"'),
        ("env: {required: [A], optional: [B, A]}", "/env/optional/1 is also listed in env.required"),
        ("env: {secret: [A]}", "/env/secret unknown key"),
        ("health: {path: healthz}", '/health/path must match pattern "^/"'),
        ("health: {port: 65536}", "/health/port must be <= 65535"),
        ("health: {port: '80'}", "/health/port must be integer"),
        ("health: {timeout: 3}", "/health/timeout unknown key"),
        ("secrets: {}", "/secrets unknown key"),
        ("userInputs: []", "/userInputs unknown key"),
        ("marketing: {}", "/marketing unknown key"),
        ("7: x", "/7 unknown key"),
        ("a/b~c: x", "/a~1b~0c unknown key"),
    ],
)
def test_a_problem_is_one_line_with_its_pointer(change, line):
    base = {"name": "name: mailroom", "version": "version: 1"}
    base[change.split(":")[0]] = change
    assert validate_vendo_yaml("\n".join(base.values())) == [line]


def test_all_problems_are_reported_at_once():
    assert sorted(validate_vendo_yaml("version: 3\nextra: 1\n")) == [
        "/ must have required property 'name'",
        "/extra unknown key",
        "/version must be equal to constant: 1",
    ]


@pytest.mark.parametrize("text", ["", "   \n", "# only a comment\n", "---\n"])
def test_an_empty_file_says_so(text):
    assert validate_vendo_yaml(text) == ["file is empty"]


@pytest.mark.parametrize("text", ["- a\n- b\n", "just text", "12"])
def test_a_file_that_is_no_mapping_says_so(text):
    assert validate_vendo_yaml(text) == ["file is not a mapping"]


@pytest.mark.parametrize(
    "text", ["a: [", "\tx: 1", "a: b: c", "a: 2001-99-99", "!!python/object:os.system {}"]
)
def test_unparseable_yaml_is_one_problem(text):
    (line,) = validate_vendo_yaml(text)
    assert line.startswith("not valid YAML: ")


def test_aliases_are_refused_before_they_expand():
    (line,) = validate_vendo_yaml("a: &a [x]\nb: *a\n")
    assert line == "not valid YAML: line 2, column 4: aliases are not allowed"


def test_deep_nesting_is_a_problem_and_not_a_crash():
    (line,) = validate_vendo_yaml("[" * 5000)
    assert line.startswith("not valid YAML: ")


def test_a_huge_file_is_refused_unread():
    assert validate_vendo_yaml("x" * 300_000) == ["file is longer than 262144 characters"]

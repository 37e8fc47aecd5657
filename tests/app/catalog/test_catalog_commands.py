import json

import pytest

from app.catalog import publish_command
from app.catalog.models import Tool
from app.catalog.releases import get_template
from app.catalog.tools import find_tool
from tests.app.catalog.manifests import mailroom, web


@pytest.fixture
def flask(app, seeded):
    """Run `flask tools …` and return (exit code, output)."""

    def run(*args):
        result = app.test_cli_runner().invoke(args=["tools", *[str(arg) for arg in args]])
        return result.exit_code, result.output.strip()

    return run


@pytest.fixture
def write(tmp_path, slug):
    """Write a manifest as `{slug}/{version}.json` and return its path."""

    def run(version="1.0.0", **changes):
        path = tmp_path / slug / f"{version}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(mailroom(slug=slug, version=version, **changes)))
        return path

    return run


def test_publish_says_what_became_active(flask, write, slug):
    assert flask("publish", write("1.1.3")) == (0, f"published {slug} 1.1.3 (active)")
    code, output = flask("publish", write("1.2.0", previousVersions=["1.1.3"]))
    assert (code, output) == (0, f"published {slug} 1.2.0 (active; was 1.1.3)")


def test_publish_again_is_unchanged_and_edited_is_refused(flask, write, slug, session):
    flask("publish", write())
    assert flask("publish", write()) == (0, f"{slug} 1.0.0 already published, unchanged")
    code, output = flask("publish", write(description="edited"))
    assert (code, output) == (1, f"{slug} 1.0.0 is published with other content; cut a new version")


def test_an_invalid_manifest_is_one_line_per_problem(flask, write, slug, session):
    path = write(services=[web(role="boss"), web()], serviceStartOrder=None)
    code, output = flask("publish", path)
    assert code == 1
    assert output.splitlines() == [
        "/services/0/role must be one of web, worker, cron, init",
        "/services/1/name web is used twice",
    ]
    assert find_tool(session, slug) is None


def test_a_manifest_must_agree_with_its_folder_and_file_name(flask, write, slug, tmp_path):
    other = tmp_path / "elsewhere"
    other.mkdir()
    path = other / "9.9.9.json"
    path.write_text(write().read_text())
    code, output = flask("publish", path)
    assert (code, output.splitlines()) == (
        1,
        ["/slug must equal the folder name elsewhere", "/version must equal the file name 9.9.9"],
    )
    anywhere = path.rename(other / "manifest.json")
    assert flask("publish", anywhere)[0] == 0


def test_inactive_stores_without_switching_and_activate_switches(flask, write, slug):
    assert flask("publish", write("1.0.0"), "--inactive")[1] == f"published {slug} 1.0.0 (inactive)"
    flask("publish", write("1.1.0", previousVersions=["1.0.0"]))
    path = write("1.2.0", previousVersions=["1.0.0", "1.1.0"])
    output = flask("publish", path, "--inactive")[1]
    assert output == f"published {slug} 1.2.0 (inactive; active is 1.1.0)"
    assert flask("activate", slug, "1.2.0") == (0, f"activated {slug} 1.2.0 (was 1.1.0)")
    assert flask("activate", slug, "1.1.0", "--allow-downgrade")[0] == 1


def test_a_downgrade_needs_its_flag(flask, write, slug):
    flask("publish", write("1.1.0"))
    code, output = flask("publish", write("1.0.0"))
    assert (code, output) == (1, f"{slug} 1.0.0 is lower than the active 1.1.0; use --allow-downgrade")
    code, output = flask("publish", write("1.0.0"), "--allow-downgrade")
    assert (code, output) == (0, f"published {slug} 1.0.0 (active; was 1.1.0)")


def test_a_dry_run_says_so_and_writes_nothing(flask, write, slug, session):
    assert flask("publish", write(), "--dry-run") == (0, f"would publish {slug} 1.0.0 (active)")
    assert find_tool(session, slug) is None


def test_json_answers_are_json(flask, write, slug):
    code, output = flask("publish", write(), "--json")
    assert code == 0
    assert json.loads(output) == {
        "ok": True,
        "dry_run": False,
        "slug": slug,
        "version": "1.0.0",
        "is_unchanged": False,
        "active_before": None,
        "active_now": "1.0.0",
        "warnings": [],
    }
    code, output = flask("publish", write("1.0.0", name=""), "--json")
    assert code == 1
    assert json.loads(output) == {"ok": False, "problems": ["/name must not be shorter than 1 characters"]}


def test_flags_make_a_private_deploy_with_everything_named(flask, write, workspace, slug, session, tmp_path):
    marketing = tmp_path / "marketing.json"
    marketing.write_text('{"savings": "all"}')
    options = ["--internal", "--owner", workspace.slug, "--disabled", "--category", "mail"]
    options += [
        "--icon",
        "/logos/tool.svg",
        "--source-repo",
        "https://git.example.com/a",
        "--marketing",
        marketing,
    ]
    assert flask("publish", write(), *options)[0] == 0
    tool = find_tool(session, slug)
    assert (tool.enabled, tool.category, tool.icon_url) == (False, "mail", "/logos/tool.svg")
    assert tool.owner_tenant_id == workspace.tenant_id
    assert tool.marketing == {"savings": "all", "internal": True}
    releases = json.loads(flask("releases", slug, "--json")[1])
    assert releases[0]["source_repo"] == "https://git.example.com/a"


def test_an_unknown_owner_is_refused(flask, write):
    assert flask("publish", write(), "--owner", "nobody-here") == (1, "there is no workspace nobody-here")


def test_a_source_is_pinned_once_and_never_asked_again(flask, write, slug, session, monkeypatch):
    asked = []
    monkeypatch.setattr(
        publish_command, "resolve_commit", lambda repo, ref: asked.append((repo, ref)) or "c" * 40
    )
    source = {"repo": "https://git.example.com/a", "ref": "main"}
    path = write(source=source, services=[{"name": "web", "role": "web"}], serviceStartOrder=None)
    assert flask("publish", path)[0] == 0
    assert flask("publish", path) == (0, f"{slug} 1.0.0 already published, unchanged")
    assert asked == [("https://git.example.com/a", "main")]
    assert get_template(session, slug, "1.0.0").manifest["source"]["ref"] == "c" * 40


def test_editing_commands_change_the_row(flask, write, slug, platform, tmp_path):
    flask("publish", write(), "--internal")
    marketing = tmp_path / "marketing.json"
    marketing.write_text('{"monthlyCost": "$3"}')
    assert flask("disable", slug) == (0, f"{slug} is disabled")
    assert flask("enable", slug) == (0, f"{slug} is enabled")
    assert flask("set-marketing", slug, marketing) == (0, f"{slug} has new marketing")
    assert flask("make-public", slug) == (0, f"{slug} is public")
    with platform.database.transaction() as session:
        tool = session.query(Tool).filter_by(slug=slug).one()
        assert (tool.enabled, tool.marketing) == (True, {"monthlyCost": "$3"})


@pytest.mark.parametrize("command", ["show", "releases", "enable", "disable", "make-public"])
def test_an_unknown_slug_is_refused(flask, command):
    assert flask(command, "nope") == (1, "nope is not in the catalog")


def test_list_hides_disabled_and_internal_tools_unless_asked(flask, write, slug):
    flask("publish", write(), "--internal")
    listed = [row["slug"] for row in json.loads(flask("list", "--json")[1])]
    everything = [row["slug"] for row in json.loads(flask("list", "--all", "--json")[1])]
    assert slug not in listed
    assert slug in everything
    assert slug in flask("list", "--all")[1]


def test_show_and_releases_print_what_is_stored(flask, write, slug):
    flask("publish", write("1.0.0"))
    assert json.loads(flask("show", slug, "--json")[1])["version"] == "1.0.0"
    assert f"slug:             {slug}" in flask("show", slug)[1]
    assert flask("releases", slug)[1].startswith("1.0.0  active  ")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"{", "is not JSON: Expecting property name"),
        (b"[]", "holds no JSON object"),
        (b"\xff", "is not UTF-8 text"),
        (b'{"a": NaN}', "is not JSON: NaN is no JSON number"),
        (b"[" * 100_000, "is nested too deeply"),
        (b" " * (1024 * 1024 + 1), "is larger than 1048576 bytes"),
    ],
)
def test_a_file_that_holds_no_manifest_is_refused(flask, tmp_path, content, line):
    path = tmp_path / "manifest.json"
    path.write_bytes(content)
    code, output = flask("publish", path)
    assert code == 1
    assert output.startswith(f"{path} {line}")


def test_a_missing_file_is_refused(flask, tmp_path):
    path = tmp_path / "none.json"
    assert flask("publish", path) == (1, f"{path} could not be read: No such file or directory")
    assert flask("set-marketing", "x", path)[0] == 1


def test_check_reads_vendo_yaml_and_manifests(flask, write, tmp_path):
    path = tmp_path / "vendo.yaml"
    path.write_text("name: mailroom\nversion: 1\n")
    assert flask("check", path) == (0, f"{path} is valid")
    path.write_text("name: ab\nversion: 2\n")
    assert flask("check", path) == (
        1,
        '/name must match pattern "^[a-z][a-z0-9-]{1,62}[a-z0-9]$"\n/version must be equal to constant: 1',
    )
    assert flask("check", tmp_path / "none.yaml")[0] == 1
    manifest = write(timeoutSeconds=3)
    assert flask("check", manifest) == (
        0,
        f"warning: /timeoutSeconds unknown key, ignored\n{manifest} is valid",
    )


def test_marketing_that_cannot_be_stored_is_refused(flask, write, slug, tmp_path):
    flask("publish", write())
    path = tmp_path / "marketing.json"
    path.write_text('{"a": "x\\u0000"}')
    assert flask("set-marketing", slug, path) == (1, "/a must not contain a NUL character")


def test_integrations_are_seeded_and_listed(app):
    runner = app.test_cli_runner()
    assert runner.invoke(args=["integrations", "seed"]).output == "seeded 15 integrations\n"
    rows = json.loads(runner.invoke(args=["integrations", "list", "--json"]).output)
    assert {"slug": "notion", "default_profile": "oauth_app_install", "state": "enabled"} in rows
    assert "telegram" in runner.invoke(args=["integrations", "list"]).output

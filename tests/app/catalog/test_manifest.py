import json

import pytest

from app.catalog.manifest import validate_manifest
from tests.app.catalog.manifests import mailroom, problems_of, web


def warnings_of(document: object) -> list[str]:
    report = validate_manifest(document, known_providers=None)
    assert report.is_valid, report.problems
    return report.warnings


def test_the_worked_example_is_clean():
    report = validate_manifest(mailroom(), known_providers={"openrouter", "telegram"})
    assert (report.problems, report.warnings) == ([], [])


@pytest.mark.parametrize("document", [None, [], "text", 3, True])
def test_a_document_that_is_no_object_is_refused(document):
    assert problems_of(document) == ["/ must be object"]


@pytest.mark.parametrize("key", ["slug", "name", "version", "services", "readiness", "integrations"])
def test_every_required_key_is_named_when_it_is_missing(key):
    assert f"/ must have required property '{key}'" in problems_of(mailroom(**{key: None}))


def test_all_problems_are_reported_at_once():
    document = mailroom(slug="X", version="1", services=[web(role="boss"), web(image="nginx")])
    lines = problems_of(document)
    assert {line.split()[0] for line in lines} >= {
        "/slug",
        "/version",
        "/services/0/role",
        "/services/1/image",
        "/services/1/name",
        "/serviceStartOrder/0",
    }
    assert len(lines) == len(set(lines))


@pytest.mark.parametrize(
    "image", ["nginx:1", "a/b:1", "localhost:5000/a/b@sha256:" + "0" * 64, "r.example.com/a_b/c-d:v1.2-x"]
)
def test_an_image_with_a_tag_or_digest_is_taken(image):
    assert problems_of(mailroom(services=[web(image=image)], serviceStartOrder=None)) == []


def test_a_service_without_an_image_is_built_from_the_source():
    service = {"name": "web", "role": "web"}
    without = mailroom(services=[service], serviceStartOrder=None)
    assert problems_of(without) == [
        "/services/0 must have image, buildArtifact, or a top-level source object to build from"
    ]
    assert problems_of({**without, "source": {"repo": "https://git.example.com/a/b"}}) == []
    assert problems_of({**without, "services": [{**service, "buildArtifact": "up/a.tgz"}]}) == []


def test_an_artifact_key_cannot_leave_the_store():
    service = {"name": "web", "role": "web", "buildArtifact": "../a.tgz"}
    lines = problems_of(mailroom(services=[service], serviceStartOrder=None))
    assert lines == ["/services/0/buildArtifact must be a relative object key"]


@pytest.mark.parametrize("provider", ["docker", "railway", "swarm"])
def test_every_known_compute_provider_is_taken(provider):
    assert problems_of(mailroom(computeProvider=provider)) == []


def test_an_unrequested_resource_and_an_unknown_name_are_both_listed():
    env = {"A": "${redis_url}", "B": "x ${nope} ${also_not}", "C": "$${kept}"}
    assert problems_of(mailroom(services=[web(env=env)], serviceStartOrder=None)) == [
        "/services/0/env/A ${redis_url} needs a resource that is not requested",
        "/services/0/env/B ${nope} is not a known name",
        "/services/0/env/B ${also_not} is not a known name",
    ]


def test_deploy_input_is_for_hook_arguments_only():
    hook = {"kind": "telegram_set_webhook", "args": {"path": "/${userInput.path}"}}
    hooked = mailroom(deployHooks={"afterDeploy": [hook]})
    assert problems_of(hooked) == []
    env = mailroom(services=[web(env={"A": "${userInput.path}"})], serviceStartOrder=None)
    assert problems_of(env) == ["/services/0/env/A ${userInput.path} is not a known name"]


def test_admin_names_need_a_bootstrap_that_has_an_admin():
    service = [web(env={"A": "${admin_email}"})]
    base = mailroom(services=service, serviceStartOrder=None)
    assert len(problems_of(base)) == 1
    assert len(problems_of({**base, "adminBootstrap": {"authMode": "no_auth"}})) == 1
    assert problems_of({**base, "adminBootstrap": {"authMode": "manual_setup"}}) == []
    assert problems_of({**base, "bootstrap_admin": True}) == []


def test_a_provider_outside_the_catalog_is_refused():
    lines = problems_of(mailroom(), known={"openrouter"})
    assert lines == ["/integrations/1/provider telegram is not an enabled integration"]


def test_a_key_with_nul_is_refused():
    assert any("NUL" in line for line in problems_of(mailroom(catalog={"marketing": {"a\x00": 1}})))


def test_a_number_beyond_json_is_refused():
    document = mailroom(catalog={"marketing": {"a": float("inf")}})
    assert problems_of(document) == ["/catalog/marketing/a must be a finite number"]


def test_two_sub_steps_with_one_id_are_refused():
    step = {"id": "a", "title": "A", "sections": [{"type": "workspace"}]}
    lines = problems_of(mailroom(wizardLayout={"version": 1, "subSteps": [step, step]}))
    assert lines == ["/wizardLayout/subSteps/1/id is used by an earlier sub-step"]


def test_unknown_keys_are_warned_of_at_every_level():
    document = mailroom(
        timeoutSeconds=3,
        readiness={"healthPath": "/", "endpoint": "/up"},
        services=[web(memory=1)],
        serviceStartOrder=None,
        templateVersion=4,
    )
    assert warnings_of(document) == [
        "/services/0/memory unknown key, ignored",
        "/readiness/endpoint unknown key, ignored",
        "/timeoutSeconds unknown key, ignored",
    ]


def test_free_text_maps_hold_no_unknown_keys():
    catalog = {"marketing": {"anything": {"goes": 1}}}
    assert warnings_of(mailroom(catalog=catalog)) == []


def test_a_flat_hook_path_is_warned_of():
    document = mailroom(deployHooks={"afterDeploy": [{"kind": "telegram_set_webhook", "path": "/t"}]})
    assert "/deployHooks/afterDeploy/0/path is read as args.path" in warnings_of(document)


def test_an_input_that_no_section_renders_is_warned_of():
    section = {"type": "wizard_inputs", "groups": ["mail"]}
    layout = {"version": 1, "subSteps": [{"id": "a", "title": "A", "sections": [section]}]}
    inputs = [{"key": "A", "wizardStep": "mail"}, {"key": "B"}]
    assert warnings_of(mailroom(wizardLayout=layout, userInputs=inputs)) == [
        "/wizardLayout no section renders the input B",
        '/wizardLayout no wizard_inputs section with groups ["*"]',
    ]
    del section["groups"]
    assert warnings_of(mailroom(wizardLayout=layout, userInputs=inputs)) == []


def test_a_default_that_its_own_rules_refuse_is_warned_of():
    entry = {"key": "A", "inputType": "number", "default": "many"}
    assert warnings_of(mailroom(userInputs=[entry])) == ["/userInputs/0/default must be a number"]


@pytest.mark.parametrize("junk", [None, 1, "x", [], {}, [None], [1], ["x"], [[]], [{}], True])
@pytest.mark.parametrize(
    "key", [*sorted(mailroom()), "deployHooks", "adminBootstrap", "wizardLayout", "source"]
)
def test_no_shape_of_any_key_breaks_the_report(key, junk):
    document = {**mailroom(), key: junk}
    assert json.dumps(problems_of(document, known=set()))


@pytest.mark.parametrize("junk", [None, 1, "x", [], {}, [None], [[]], [{}], True])
@pytest.mark.parametrize("key", ["name", "role", "image", "env", "volumes", "schedule", "buildArtifact"])
def test_no_shape_of_a_service_field_breaks_the_report(key, junk):
    report = validate_manifest(mailroom(services=[web(**{key: junk})]), known_providers=set())
    assert report.problems

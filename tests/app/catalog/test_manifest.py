import json
from typing import Any

import pytest

from app.catalog.manifest import validate_manifest
from tests.app.catalog.manifests import IMAGE, mailroom, web


def problems_of(document: object, known: set[str] | None = None) -> list[str]:
    return validate_manifest(document, known_providers=known).problems


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


CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"slug": "ab"}, '/slug must match pattern "^[a-z][a-z0-9-]{1,62}[a-z0-9]$"'),
    ({"slug": "mailroom\n"}, '/slug must match pattern "^[a-z][a-z0-9-]{1,62}[a-z0-9]$"'),
    ({"name": ""}, "/name must not be shorter than 1 characters"),
    ({"name": "x" * 101}, "/name must not be longer than 100 characters"),
    ({"version": "1.4"}, r'/version must match pattern "^\d+\.\d+\.\d+(-[a-z0-9.-]+)?$"'),
    ({"version": "١.٤.٢"}, r'/version must match pattern "^\d+\.\d+\.\d+(-[a-z0-9.-]+)?$"'),
    ({"services": []}, "/services must not have fewer than 1 items"),
    ({"services": [web(role="boss")]}, "/services/0/role must be one of web, worker, cron, init"),
    (
        {"services": [web(role="worker")]},
        '/services must have exactly one service with role "web", not 0',
    ),
    (
        {"services": [web(), web(name="other")]},
        '/services must have exactly one service with role "web", not 2',
    ),
    ({"services": [web(), web(role="worker")]}, "/services/1/name web is used twice"),
    ({"services": [web(name="Web")]}, '/services/0/name must match pattern "^[a-z][a-z0-9-]{0,30}$"'),
    (
        {"services": [web(image="nginx")]},
        "/services/0/image must be an image reference with a tag or a digest",
    ),
    (
        {"services": [web(image="-v:1")]},
        "/services/0/image must be an image reference with a tag or a digest",
    ),
    ({"services": [web(buildArtifact="a.tgz")]}, "/services/0 must not have both image and buildArtifact"),
    ({"services": [web(port=0)]}, "/services/0/port must be >= 1"),
    ({"services": [web(port="80")]}, "/services/0/port must be integer"),
    ({"services": [web(port=True)]}, "/services/0/port must be integer"),
    ({"services": [web(healthPath="healthz")]}, '/services/0/healthPath must match pattern "^/"'),
    ({"services": [web(healthcheckTimeout=3601)]}, "/services/0/healthcheckTimeout must be <= 3600"),
    (
        {"services": [web(env={"1A": "x"})]},
        '/services/0/env/1A name must match pattern "^[A-Za-z_][A-Za-z0-9_]*$"',
    ),
    ({"services": [web(env={"A": None})]}, "/services/0/env/A must be string or number or boolean"),
    ({"services": [web(env={"A": "x\x00"})]}, "/services/0/env/A must not contain a NUL character"),
    ({"services": [web(env={"A": "\ud800"})]}, "/services/0/env/A must not contain an unpaired surrogate"),
    (
        {"services": [web(volumes=[{"mountPath": "data"}])]},
        '/services/0/volumes/0/mountPath must match pattern "^/"',
    ),
    (
        {"services": [web(volumes=[{"mountPath": "/"}])]},
        "/services/0/volumes/0/mountPath must be a plain absolute path below /",
    ),
    (
        {"services": [web(volumes=[{"mountPath": "/a/../etc"}])]},
        "/services/0/volumes/0/mountPath must be a plain absolute path below /",
    ),
    (
        {"services": [web(volumes=[{"mountPath": "/a"}, {"mountPath": "/a"}])]},
        "/services/0/volumes/1/mountPath is used by an earlier volume",
    ),
    (
        {"services": [web(volumes=[{"mountPath": "/a", "sizeGB": 1001}])]},
        "/services/0/volumes/0/sizeGB must be <= 1000",
    ),
    (
        {"services": [web(), {"name": "tick", "role": "cron", "image": IMAGE}]},
        "/services/1 must have required property 'schedule'",
    ),
    (
        {"services": [web(), {"name": "tick", "role": "cron", "image": IMAGE, "schedule": "61 * * * *"}]},
        "/services/1/schedule minute field must be from 0 to 59",
    ),
    ({"services": [web(resources={"cpus": 0})]}, "/services/0/resources/cpus must be > 0"),
    ({"serviceStartOrder": ["nope"]}, "/serviceStartOrder/0 names no service"),
    ({"serviceStartOrder": ["web", "web"]}, "/serviceStartOrder/1 names a service twice"),
    ({"readiness": {"endpoint": "/up"}}, "/readiness must have required property 'healthPath'"),
    ({"readiness": {"healthEndpoint": "/up"}}, "/readiness must have required property 'healthPath'"),
    ({"readiness": {"healthPath": "/", "maxRetries": 361}}, "/readiness/maxRetries must be <= 360"),
    (
        {"readiness": {"healthPath": "/", "maxRetries": 360, "retryIntervalSec": 11}},
        "/readiness maxRetries x retryIntervalSec must be <= 3600",
    ),
    ({"source": "elsewhere"}, "/source must be one of upstream, fork, or an object"),
    ({"source": {"ref": "main"}}, "/source must have required property 'repo'"),
    ({"source": {"repo": "git@example.com:a/b"}}, r'/source/repo must match pattern "^https://[^\s/]+/\S+$"'),
    (
        {"source": {"repo": "https://git.example.com/a", "context": "../.."}},
        "/source/context must stay inside the repository",
    ),
    ({"computeProvider": "cloudflare-workers"}, "/computeProvider must be one of docker, swarm"),
    ({"databases": [{"name": "m", "type": "mysql"}]}, "/databases/0/type must be one of postgresql, redis"),
    (
        {"databases": [{"name": "a", "type": "postgresql"}, {"name": "b", "type": "postgresql"}]},
        "/databases/1 is a second database of type postgresql; at most one per type",
    ),
    (
        {"databases": [{"name": "c", "type": "redis", "provider": "neon"}]},
        "/databases/0/provider must be one of railway, docker for redis",
    ),
    (
        {"databases": [{"name": "c", "type": "postgresql", "image": "postgres:18"}]},
        "/databases/0/image is for container databases only",
    ),
    ({"secrets": {"domain": {"type": "uuid"}}}, "/secrets/domain name is a built-in placeholder"),
    ({"secrets": {"key": {"type": "random_hex", "length": 7}}}, "/secrets/key/length must be >= 8"),
    ({"secrets": {"KEY": {"type": "uuid"}}}, '/secrets/KEY name must match pattern "^[a-z][a-z0-9_]*$"'),
    ({"integrations": ["openrouter"]}, "/integrations/0 must be object"),
    ({"integrations": [{"optional": True}]}, "/integrations/0 must have required property 'provider'"),
    (
        {"integrations": [{"provider": "openrouter"}, {"provider": "openrouter"}]},
        "/integrations/1/provider openrouter is used twice",
    ),
    (
        {"integrations": [{"provider": "openrouter", "cardinality": "many"}]},
        "/integrations/0/cardinality must be one of per_deployment, per_tenant",
    ),
    ({"userInputs": [{"key": "zone"}]}, '/userInputs/0/key must match pattern "^[A-Z][A-Z0-9_]*$"'),
    ({"userInputs": [{"key": "A"}, {"key": "A"}]}, "/userInputs/1/key A is used twice"),
    ({"userInputs": [{"key": "DATABASE_URL"}]}, "/userInputs/0/key DATABASE_URL is a platform variable"),
    (
        {"userInputs": [{"key": "A", "inputType": "select"}]},
        "/userInputs/0 must have required property 'options'",
    ),
    (
        {"userInputs": [{"key": "A", "inputType": "select", "options": []}]},
        "/userInputs/0/options must not have fewer than 1 items",
    ),
    (
        {"userInputs": [{"key": "A", "category": "required"}]},
        "/userInputs/0/category must be one of user_required, user_optional",
    ),
    (
        {"userInputs": [{"key": "A", "validations": {"pattern": "("}}]},
        "/userInputs/0/validations/pattern is not a regular expression:"
        " missing ), unterminated subpattern at position 0",
    ),
    (
        {"wizardLayout": {"version": 1, "subSteps": []}},
        "/wizardLayout/subSteps must not have fewer than 1 items",
    ),
    ({"wizardLayout": {"version": 2, "subSteps": []}}, "/wizardLayout/version must be equal to constant: 1"),
    (
        {"adminBootstrap": {"authMode": "api_seed"}},
        "/adminBootstrap must have required property 'seedEndpoint'",
    ),
    (
        {"adminBootstrap": {"authMode": "magic"}},
        "/adminBootstrap/authMode must be one of api_seed, manual_setup, no_auth",
    ),
    (
        {"appCredentialSeed": {"endpoint": "/s", "items": []}},
        "/appCredentialSeed/items must not have fewer than 1 items",
    ),
    (
        {"deployHooks": {"afterDeploy": [{"kind": "run_shell", "args": {"path": "/t"}}]}},
        "/deployHooks/afterDeploy/0/kind must be one of telegram_set_webhook",
    ),
    (
        {"deployHooks": {"afterDeploy": [{"kind": "telegram_set_webhook", "args": {"path": "t"}}]}},
        '/deployHooks/afterDeploy/0/args/path must match pattern "^/"',
    ),
    (
        {"previousVersions": ["1.4"]},
        r'/previousVersions/0 must match pattern "^\d+\.\d+\.\d+(-[a-z0-9.-]+)?$"',
    ),
    ({"vendoAuth": "yes"}, "/vendoAuth must be boolean"),
    ({"variables": {}}, "/variables is not supported; use userInputs"),
    ({"requires": []}, "/requires is not supported; use integrations"),
    ({"catalog": {"enabled": "yes"}}, "/catalog/enabled must be boolean"),
]


@pytest.mark.parametrize(("changes", "line"), CHANGES, ids=[line for _, line in CHANGES])
def test_a_broken_field_is_reported_by_pointer_and_reason(changes, line):
    assert line in problems_of(mailroom(**changes))


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

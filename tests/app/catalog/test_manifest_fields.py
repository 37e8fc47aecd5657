from typing import Any

import pytest

from tests.app.catalog.manifests import IMAGE, mailroom, problems_of, web

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

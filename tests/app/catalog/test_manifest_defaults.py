from app.catalog.manifest import normalize_manifest
from tests.app.catalog.manifests import IMAGE, mailroom, web

MINIMAL = {
    "slug": "inkwell",
    "name": "Inkwell",
    "version": "1.0.0",
    "services": [web()],
    "readiness": {"healthPath": "/up"},
    "integrations": [],
}


def test_a_minimal_manifest_gets_every_default():
    manifest = normalize_manifest(MINIMAL)
    assert manifest["source"] == "upstream"
    assert manifest["computeProvider"] == "docker"
    assert manifest["vendoAuth"] is True
    assert manifest["r2Storage"] is False
    assert (manifest["databases"], manifest["secrets"], manifest["userInputs"]) == ([], {}, [])
    assert manifest["wizardLayout"] is manifest["adminBootstrap"] is manifest["appCredentialSeed"] is None
    assert manifest["deployHooks"] == {"afterDeploy": []}
    assert manifest["readiness"] == {
        "healthPath": "/up",
        "maxRetries": 30,
        "retryIntervalSec": 10,
        "expectedBootTimeSec": None,
    }


def test_a_service_gets_port_budget_and_empty_maps():
    service = normalize_manifest(MINIMAL)["services"][0]
    assert (service["port"], service["healthcheckTimeout"]) == (8080, 300)
    assert (service["env"], service["volumes"], service["startCommand"]) == ({}, [], None)


def test_an_init_service_may_run_ten_minutes():
    services = normalize_manifest(mailroom())["services"]
    assert {item["name"]: item["healthcheckTimeout"] for item in services} == {"migrate": 600, "web": 300}


def test_doing_it_twice_changes_nothing():
    once = normalize_manifest(mailroom(source={"repo": "https://git.example.com/a"}, bootstrap_admin=True))
    assert normalize_manifest(once) == once


def test_the_catalog_block_is_left_out():
    assert "catalog" not in normalize_manifest(mailroom(catalog={"featured": True}))


def test_railway_is_read_as_docker():
    assert normalize_manifest(mailroom(computeProvider="railway"))["computeProvider"] == "docker"


def test_the_older_admin_flag_means_manual_setup():
    manifest = normalize_manifest(mailroom(bootstrap_admin=True))
    assert manifest["adminBootstrap"] == {"authMode": "manual_setup"}
    explicit = normalize_manifest(mailroom(bootstrap_admin=True, adminBootstrap={"authMode": "no_auth"}))
    assert explicit["adminBootstrap"] == {"authMode": "no_auth"}


def test_a_seed_gets_the_default_payload():
    bootstrap = {"authMode": "api_seed", "seedEndpoint": "/seed"}
    assert normalize_manifest(mailroom(adminBootstrap=bootstrap))["adminBootstrap"]["payloadTemplate"] == {
        "email": "${admin_email}",
        "password": "${admin_password}",
    }


def test_a_flat_hook_path_moves_into_the_arguments():
    def args_of(**hook):
        hooks = {"afterDeploy": [{"kind": "telegram_set_webhook", **hook}]}
        return normalize_manifest(mailroom(deployHooks=hooks))["deployHooks"]["afterDeploy"][0]["args"]

    assert args_of(path="/a") == {"path": "/a"}
    assert args_of(path="/a", args={"path": "/b"}) == {"path": "/b"}


def test_databases_secrets_and_integrations_get_their_defaults():
    databases = [{"name": "main", "type": "postgresql"}, {"name": "cache", "type": "redis"}]
    manifest = normalize_manifest(mailroom(databases=databases, secrets={"a": {"type": "random_hex"}}))
    assert [item["provider"] for item in manifest["databases"]] == ["neon", "docker"]
    assert manifest["databases"][1]["persist"] is False
    assert manifest["secrets"] == {"a": {"type": "random_hex", "length": 32}}
    assert manifest["integrations"][0] == {
        "provider": "openrouter",
        "optional": False,
        "profile": None,
        "cardinality": "per_deployment",
    }


def test_a_user_input_gets_label_type_category_and_visibility():
    assert normalize_manifest(mailroom(userInputs=[{"key": "A"}]))["userInputs"] == [
        {"key": "A", "label": "A", "inputType": "text", "category": "user_optional", "visibility": "visible"}
    ]


def test_a_source_object_gets_its_build_defaults():
    source = normalize_manifest(mailroom(source={"repo": "https://git.example.com/a"}))["source"]
    assert (source["nodeVersion"], source["dockerfile"], source["context"]) == (20, "Dockerfile", ".")


def health_path_of(**changes):
    return normalize_manifest({**MINIMAL, **changes})["readiness"]["healthPath"]


def test_older_rows_without_a_health_path_fall_back():
    assert health_path_of(readiness={}, services=[web(healthPath="/w")]) == "/w"
    assert health_path_of(readiness={}, healthEndpoint="/e") == "/e"
    assert health_path_of(readiness={}) == "/healthz"
    assert health_path_of(services=[web(healthPath="/w")]) == "/up"


SERVICES = [
    web(),
    {"name": "queue", "role": "worker", "image": IMAGE},
    {"name": "migrate", "role": "init", "image": IMAGE},
    {"name": "tick", "role": "cron", "image": IMAGE, "schedule": "* * * * *"},
]


def sequence_of(order=None):
    manifest = normalize_manifest({**MINIMAL, "services": SERVICES, "serviceStartOrder": order})
    return [(item["service"], item["wait"]) for item in manifest["startSequence"]]


def test_without_an_order_init_runs_first_and_the_rest_follow_the_manifest():
    assert sequence_of() == [("migrate", True), ("web", True), ("queue", True), ("tick", False)]


def test_a_listed_service_is_waited_for_except_the_last():
    assert sequence_of(["queue", "web"]) == [
        ("migrate", True),
        ("queue", True),
        ("web", False),
        ("tick", False),
    ]


def test_a_listed_init_service_keeps_its_place():
    assert sequence_of(["web", "migrate", "queue"]) == [
        ("web", True),
        ("migrate", True),
        ("queue", False),
        ("tick", False),
    ]

import base64

import pytest

from app.core.config import Settings, SettingsError, load_settings, setting_names

KEY = base64.b64encode(b"k" * 32).decode()
REQUIRED = {
    "DATABASE_URL": "postgresql://berth:s3cret-db@127.0.0.1/berth",
    "REDIS_URL": "redis://:s3cret-redis@127.0.0.1/0",
    "PUBLIC_URL": "https://berth.example.com",
    "INTEGRATION_ENCRYPTION_KEY": f"k1:{KEY}",
}


@pytest.fixture
def load(tmp_path):
    """Settings of the required values with some replaced; None removes one."""

    def run(**changes: str | None) -> Settings:
        values = {"BERTH_HOME": str(tmp_path), **REQUIRED, **changes}
        return load_settings({name: value for name, value in values.items() if value is not None})

    return run


def refusal(load, **changes) -> str:
    with pytest.raises(SettingsError) as caught:
        load(**changes)
    return str(caught.value)


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_required_setting_is_named(load, name, value):
    assert refusal(load, **{name: value}) == f"{name} is required"


BAD_VALUES = {
    "DATABASE_URL": ["mysql://root:hunter2@db/x", "hunter2", " postgresql://hunter2@db/x", "\n"],
    "TENANT_DATABASE_ADMIN_URL": ["mysql://root:hunter2@db/x", "hunter2"],
    "REDIS_URL": ["http://hunter2@cache", "hunter2"],
    "INTEGRATION_ENCRYPTION_KEY": [
        "hunter2",
        "k1:hunter2",
        f"K1:{KEY}",
        f":{KEY}",
        KEY,
        ",",
        f"k1:{base64.b64encode(b'hunter2').decode()}",
        f"k1:{KEY},k2:hunter2",
        f"k1:{KEY}é",
    ],
    "PUBLIC_URL": [
        "berth.example.com",
        "ftp://berth.example.com",
        "https://",
        "https://berth.example.com/app",
        "https://berth.example.com?x=1",
        "https://berth.example.com#top",
        "https://berth.example.com:port",
        "https://berth.example.com:70000",
        "https://user:hunter2@berth.example.com",
        "https://[::1",
    ],
    "TOOL_API_URL": ["gateway:8080", "http://gateway:x"],
    "BASE_DOMAIN": ["Apps.example.com", "-apps", "apps_example", "apps.example.com:80", "a b"],
    "BERTH_ROUTING": ["subdomain", "HOST"],
    "BERTH_INSTALL_ID": ["A", "a_b", "a" * 65],
    "TRUSTED_PROXIES": ["10.0.0.300", "10.0.0.1/8", "proxy", "10.0.0.1\n10.0.0.2"],
    "SIGN_UP_ENABLED": ["maybe", "2", "on"],
    "BILLING_MODE": ["free", "STRIPE"],
    "DEPLOY_LIMIT": ["5", "0 per hour", "-1 per hour", "5 per fortnight", "5/hour"],
    "TENANT_LIMIT": ["many"],
    "SIGN_IN_LIMIT": ["many"],
    "BALANCE_LIMIT": ["many"],
    "DATABASE_POOL": ["0", "201", "-1", "1.5", "ten", "9" * 5000],
    "LOG_LEVEL": ["info", "TRACE"],
    "NETWORK_RANGE": ["10.200.0.1/13", "8.8.0.0/16", "10.200.0.0/25", "fd00::/64", "all"],
    "HOST_PORTS": ["20000", "80-90", "30000-20000", "20000-70000", "20000-20000", "a-b"],
    "BERTH_PORT": ["0", "65536", "http"],
    "TENANT_DATABASE_PORT": ["0", "65536"],
    "DEFAULT_CPUS": ["0", "-1", "nan", "inf", "one", "1e3"],
    "DEFAULT_MEMORY_MB": ["15", "1048577"],
    "LEASE_SECONDS": ["1", "601"],
    "HEARTBEAT_SECONDS": ["0", "61"],
    "SWEEP_SECONDS": ["0", "61"],
    "DEPLOY_CEILING_SECONDS": ["59", "86401"],
    "OPERATION_MAX_ATTEMPTS": ["0", "101"],
}


@pytest.mark.parametrize(("name", "value"), [(name, bad) for name in BAD_VALUES for bad in BAD_VALUES[name]])
def test_a_bad_value_stops_with_one_line_that_names_it(load, name, value):
    text = refusal(load, **{name: value})
    assert text.startswith(name)
    assert "\n" not in text
    assert len(text) < 300


@pytest.mark.parametrize("name", ["DATABASE_URL", "TENANT_DATABASE_ADMIN_URL", "REDIS_URL"])
def test_a_refused_secret_is_not_repeated(load, name):
    assert "hunter2" not in refusal(load, **{name: "https://hunter2@host"})


@pytest.mark.parametrize("value", BAD_VALUES["INTEGRATION_ENCRYPTION_KEY"])
def test_a_refused_encryption_key_is_not_repeated(load, value):
    text = refusal(load, INTEGRATION_ENCRYPTION_KEY=value)
    assert KEY not in text
    assert "hunter2" not in text


def test_settings_do_not_show_their_secrets(load):
    shown = repr(load(TENANT_DATABASE_ADMIN_URL="postgresql://postgres:s3cret-admin@127.0.0.1/x"))
    assert "berth.example.com" in shown
    assert "s3cret" not in shown
    assert repr(b"k" * 32) not in shown


def test_the_defaults_are_those_of_the_contract(load):
    settings = load()
    assert settings.deploy_limit == "5 per hour"
    assert settings.tenant_limit == "10 per hour"
    assert settings.sign_in_limit == "10 per minute"
    assert (settings.lease_seconds, settings.heartbeat_seconds, settings.sweep_seconds) == (20, 5, 5)
    assert (settings.deploy_ceiling_seconds, settings.max_attempts) == (3600, 10)
    assert settings.trusted_proxies == ()


def test_home_supplies_defaults(load, tmp_path):
    (tmp_path / "env").write_text("# written at set-up\nBERTH_PORT=9090\n\nBASE_DOMAIN=apps.example.com\n")
    settings = load()
    assert (settings.port, settings.base_domain) == (9090, "apps.example.com")


def test_the_environment_wins_over_home(load, tmp_path):
    (tmp_path / "env").write_text("BERTH_PORT=9090\nBASE_DOMAIN=apps.example.com\n")
    settings = load(BERTH_PORT="9091")
    assert (settings.port, settings.base_domain) == (9091, "apps.example.com")


def test_a_value_of_home_may_hold_an_equals_sign(load, tmp_path):
    (tmp_path / "env").write_text(f"INTEGRATION_ENCRYPTION_KEY=k9:{KEY}\n")
    assert load(INTEGRATION_ENCRYPTION_KEY=None).encryption_keys == (("k9", b"k" * 32),)


def test_a_bad_value_of_home_is_named_like_any_other(load, tmp_path):
    (tmp_path / "env").write_text("BERTH_PORT=http\n")
    assert refusal(load).startswith("BERTH_PORT ")


def test_an_unreadable_home_file_is_named(load, tmp_path):
    (tmp_path / "env").write_bytes(b"BASE_DOMAIN=\xff\xfe\n")
    assert refusal(load).startswith("BERTH_HOME")


def test_a_commented_line_sets_nothing(load, tmp_path):
    (tmp_path / "env").write_text("  # BERTH_PORT=9090\n")
    assert load().port == 8080


def test_the_key_ring_keeps_its_order(load):
    other = base64.b64encode(b"o" * 32).decode()
    ring = load(INTEGRATION_ENCRYPTION_KEY=f"new:{other}, old:{KEY}").encryption_keys
    assert [key_id for key_id, _ in ring] == ["new", "old"]


def test_lists_drop_blanks(load):
    settings = load(TRUSTED_PROXIES=" 10.0.0.0/8, ,127.0.0.1 ", BERTH_RESERVED_HOSTS=" , ")
    assert settings.trusted_proxies == ("10.0.0.0/8", "127.0.0.1/32")
    assert settings.reserved_hosts == ()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://berth.example.com/", "https://berth.example.com"),
        ("http://localhost:8080", "http://localhost:8080"),
        (" http://[::1]:8080 ", "http://[::1]:8080"),
    ],
)
def test_an_origin_is_kept_without_its_slash(load, value, expected):
    assert load(PUBLIC_URL=value).public_url == expected


def test_every_setting_has_a_name_of_its_own():
    names = setting_names()
    assert len(names) == len(set(names))
    assert set(BAD_VALUES) | set(REQUIRED) <= set(names)

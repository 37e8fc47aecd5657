import base64
import re
from uuid import UUID, uuid4

import pytest

from app.core.crypto import DecryptError
from app.deployments.credentials import (
    drop_credentials,
    generate_secret,
    read_credentials,
    store_credential,
)
from app.deployments.models import DeploymentCredential
from tests.factories import make_deployment


@pytest.fixture
def deployment_id(platform, workspace, tool):
    return make_deployment(platform, workspace, tool)


@pytest.mark.parametrize("length", [8, 32, 256])
def test_a_hex_secret_counts_bytes(length):
    assert re.fullmatch(
        rf"[0-9a-f]{{{2 * length}}}", generate_secret({"type": "random_hex", "length": length})
    )


@pytest.mark.parametrize("length", [8, 32, 33, 256])
def test_a_base64_secret_counts_bytes(length):
    made = generate_secret({"type": "random_base64", "length": length})
    assert len(base64.b64decode(made, validate=True)) == length


def test_a_uuid_secret_is_of_version_four():
    assert UUID(generate_secret({"type": "uuid"})).version == 4


@pytest.mark.parametrize("declared", [{"type": "random_hex", "length": 16}, {"type": "uuid"}])
def test_no_two_secrets_are_alike(declared):
    assert len({generate_secret(declared) for _ in range(100)}) == 100


def test_what_is_stored_is_read(session, platform, deployment_id):
    store_credential(session, platform.cipher, deployment_id, "app_secret", "one")
    store_credential(session, platform.cipher, deployment_id, "webhook_secret", "two")
    assert read_credentials(session, platform.cipher, deployment_id) == {
        "app_secret": "one",
        "webhook_secret": "two",
    }


def test_the_first_value_stays(session, platform, deployment_id):
    for value in ("first", "second"):
        store_credential(session, platform.cipher, deployment_id, "app_secret", value)
    assert read_credentials(session, platform.cipher, deployment_id) == {"app_secret": "first"}


def test_a_value_moved_to_another_name_does_not_open(session, platform, deployment_id):
    store_credential(session, platform.cipher, deployment_id, "app_secret", "one")
    session.get_one(DeploymentCredential, (deployment_id, "app_secret")).name = "admin_password"
    session.flush()
    with pytest.raises(DecryptError):
        read_credentials(session, platform.cipher, deployment_id)


def test_dropped_credentials_are_gone(session, platform, deployment_id):
    store_credential(session, platform.cipher, deployment_id, "app_secret", "one")
    for _ in range(2):
        drop_credentials(session, deployment_id)
    assert read_credentials(session, platform.cipher, deployment_id) == {}


def test_a_deployment_without_credentials_has_none(session, platform):
    assert read_credentials(session, platform.cipher, uuid4()) == {}

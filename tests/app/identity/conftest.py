import pytest
from flask import Flask

from tests.app.identity.accounts import Account, make_account


@pytest.fixture
def account(app: Flask) -> Account:
    """Somebody signed in who owns no workspace."""
    return make_account(app.test_client())

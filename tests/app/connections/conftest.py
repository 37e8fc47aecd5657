"""A second workspace, to whom nothing of the first belongs."""

import pytest
from flask import Flask

from app.core.platform import Platform
from tests.factories import Workspace, make_workspace


@pytest.fixture
def other(app: Flask, platform: Platform) -> Workspace:
    return make_workspace(app, platform)

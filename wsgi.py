"""`gunicorn wsgi:app`, and what `flask …` finds in the checkout."""

import sys

from app.core.config import SettingsError, load_settings
from app.factory import create_app

try:
    app = create_app(load_settings())
except SettingsError as error:
    sys.exit(f"berth: {error}")

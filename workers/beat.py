"""The clock's own Celery application: `celery -A workers.beat beat`.

It sends by name what `celeryconfig.py` schedules and loads no task: half the memory of a worker.
"""

from typing import Any

from celery import Celery
from celery.signals import setup_logging

from app.core.config import load_settings
from app.core.logs import configure_logging

celery = Celery("berth")
celery.config_from_object("celeryconfig")


@setup_logging.connect
def _keep_our_logging(**_: Any) -> None:
    """Celery installs handlers of its own unless somebody listens here."""
    configure_logging(load_settings())

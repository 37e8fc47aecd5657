"""The Celery application: `celery -A workers.celery_app worker|beat`."""

from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_ready, worker_shutdown

from workers.log_collector import LogCollector
from workers.reconcile import Reconciler
from workers.runtime import get_runtime
from workers.sweeps import Sweeper

celery = Celery("berth", include=["workers.operations", "workers.jobs"])
celery.config_from_object("celeryconfig")

_companions: list[Sweeper | LogCollector | Reconciler] = []


@setup_logging.connect
def _keep_our_logging(**_: Any) -> None:
    """Celery installs handlers of its own unless somebody listens here."""
    get_runtime()


@worker_ready.connect
def _start_companions(**_: Any) -> None:
    runtime = get_runtime()
    _companions.extend([Sweeper(runtime), Reconciler(runtime), LogCollector(runtime)])
    for companion in _companions:
        companion.start()


@worker_shutdown.connect
def _stop_companions(**_: Any) -> None:
    for companion in _companions:
        companion.stop()

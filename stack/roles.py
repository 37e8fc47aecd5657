"""Berth's own processes as commands: web, worker, beat, and the commands that run once."""

import sys
from pathlib import Path

from stack.home import Home
from stack.process import Command
from stack.settings import CHECKOUT

WORKER_THREADS = 8
QUEUES = "deploys,default"
STOP_ORDER = ("web", "beat", "worker", "postgres", "valkey")


def web(home: Home) -> Command:
    """The web process: gunicorn with gevent workers."""
    return _command(home, "gunicorn", "--config", "gunicorn.conf.py", "wsgi:app")


def worker(home: Home) -> Command:
    """The worker: deploys wait on the engine and not on the processor, so threads do."""
    pool = ("--pool", "threads", "--concurrency", str(WORKER_THREADS), "--queues", QUEUES)
    quiet = ("--without-gossip", "--without-mingle", "--hostname", "worker@%h")
    return _celery(home, "workers.celery_app", "worker", *pool, *quiet)


def beat(home: Home) -> Command:
    """The clock of the periodic jobs."""
    schedule = str(home.run / "beat-schedule")
    return _celery(home, "workers.beat", "beat", "--schedule", schedule, "--pidfile", "")


def flask(home: Home, *arguments: str) -> Command:
    """A command of the operator's command line."""
    return _command(home, "flask", *arguments)


def module(home: Home, name: str) -> Command:
    """A part of the stack that runs as a process of its own and then ends."""
    return Command((sys.executable, "-m", name), CHECKOUT, _environment(home))


def _celery(home: Home, application: str, *arguments: str) -> Command:
    return _command(home, "celery", "--quiet", "--app", application, *arguments, "--loglevel", "WARNING")


def _command(home: Home, program: str, *arguments: str) -> Command:
    return Command((str(_program(program)), *arguments), CHECKOUT, _environment(home))


def _program(name: str) -> Path:
    return Path(sys.executable).with_name(name)


def _environment(home: Home) -> dict[str, str]:
    # The worker needs the engine's socket, which on a machine without a docker group is root's alone.
    return {
        "BERTH_HOME": str(home.folder),
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore:You're running the worker",
    }

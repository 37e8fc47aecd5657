"""Celery settings, for the workers and for the send-only client of `app.core.queue` alike.

The broker carries doorbells only (`docs/adr/0001-row-is-the-queue.md`); the values below are the set
that behaved when brokers and workers were killed.
"""

from app.core.config import load_settings

_settings = load_settings()

broker_url = _settings.redis_url
broker_connection_retry_on_startup = True
broker_transport_options = {
    # Redelivery is not our recovery timer: the sweeper is. Long, so that no task runs twice for it.
    "visibility_timeout": 6 * 3600,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "unacked_mutex_expire": 15,
    "socket_timeout": 10,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 25,
}

accept_content = ["json"]
task_serializer = "json"
result_serializer = "json"
task_ignore_result = True
task_acks_late = True
task_reject_on_worker_lost = True
task_publish_retry = False
worker_prefetch_multiplier = 1
worker_hijack_root_logger = False
worker_send_task_events = True
worker_enable_remote_control = True
enable_utc = True
timezone = "UTC"

task_default_queue = "default"
task_routes = {
    "operations.*": {"queue": "deploys"},
    "berth.jobs.*": {"queue": "default"},
}

beat_schedule = {
    "event-trimmer": {
        "task": "berth.jobs.event_trimmer",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
}

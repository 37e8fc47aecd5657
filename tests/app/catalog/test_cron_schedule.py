from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.catalog.cron_schedule import CronError, parse_cron

MONDAY_NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "is_due"),
    [
        ("* * * * *", True),
        ("0 12 * * *", True),
        ("1 12 * * *", False),
        ("*/15 * * * *", True),
        ("5/15 * * * *", False),
        ("0 9-17 * * mon-fri", True),
        ("0 12 * * 7", False),
        ("0 12 1 * sun", True),
        ("0 12 2 * mon", True),
        ("0 12 2 * tue", False),
        ("0 12 * JUN *", True),
        ("0,30 12 * 1,6 *", True),
    ],
)
def test_a_schedule_says_whether_a_minute_is_due(expression, is_due):
    assert parse_cron(expression).is_due(MONDAY_NOON) is is_due


def test_seven_and_zero_are_both_sunday():
    sunday = MONDAY_NOON - timedelta(days=1)
    assert parse_cron("0 12 * * 7").is_due(sunday)
    assert parse_cron("0 12 * * 0").is_due(sunday)


def test_times_are_read_in_utc():
    assert parse_cron("0 12 * * *").is_due(MONDAY_NOON.astimezone(timezone(timedelta(hours=5))))


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "*/0 * * * *",
        "5-1 * * * *",
        "a * * * *",
        "@daily",
        "1,,2 * * * *",
        "-1 * * * *",
    ],
)
def test_a_malformed_schedule_is_refused(expression):
    with pytest.raises(CronError):
        parse_cron(expression)

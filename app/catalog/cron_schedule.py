"""Five-field cron expressions in UTC: the schedule of a manifest's `cron` service (manifest.md 3)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_PART = re.compile(r"(?:\*|(\w+)(?:-(\w+))?)(?:/(\d{1,2}))?", re.ASCII)


class CronError(ValueError):
    """The expression is not a five-field cron schedule; the text says which field."""


@dataclass(frozen=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def parse(self, text: str) -> frozenset[int]:
        return frozenset(value for part in text.split(",") for value in self._parse_part(part))

    def _parse_part(self, part: str) -> range:
        match = _PART.fullmatch(part)
        if match is None:
            raise CronError(f"{self.name} field cannot be read")
        first, last, step = match.groups()
        low = self.low if first is None else self._number(first)
        high = self._number(last) if last else self.high if first is None or step else low
        if low > high or step in ("0", "00"):
            raise CronError(f"{self.name} field has an empty range or a step of 0")
        return range(low, high + 1, int(step or 1))

    def _number(self, word: str) -> int:
        if word.lower() in self.names:
            return self.names.index(word.lower()) + self.low
        if not word.isdigit() or not self.low <= int(word) <= self.high:
            raise CronError(f"{self.name} field must be from {self.low} to {self.high}")
        return int(word)


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    # Both 0 and 7 are Sunday.
    _Field("day of week", 0, 7, _WEEKDAYS),
)


@dataclass(frozen=True)
class CronSchedule:
    """When a job is due, minute by minute."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    is_either_day: bool

    def is_due(self, moment: datetime) -> bool:
        """Say whether the minute that holds `moment` is one of the schedule's."""
        utc = moment.astimezone(UTC)
        in_time = utc.minute in self.minutes and utc.hour in self.hours and utc.month in self.months
        by_day, by_weekday = utc.day in self.days, utc.isoweekday() % 7 in self.weekdays
        # Cron's own rule: with both day fields restricted, either of them is enough.
        return in_time and (by_day or by_weekday if self.is_either_day else by_day and by_weekday)


def parse_cron(expression: str) -> CronSchedule:
    """Read a five-field expression; raises CronError naming the field at fault."""
    words = expression.split()
    if len(words) != len(_FIELDS):
        raise CronError("must have five fields: minute, hour, day of month, month, day of week")
    minutes, hours, days, months, weekdays = (
        field.parse(word) for field, word in zip(_FIELDS, words, strict=True)
    )
    return CronSchedule(
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=frozenset(day % 7 for day in weekdays),
        is_either_day=not words[2].startswith("*") and not words[4].startswith("*"),
    )

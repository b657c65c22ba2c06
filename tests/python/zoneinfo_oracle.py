"""Prints the instants of many date cells, according to Python's own zoneinfo module.

Most cells are near a change of a zone's clock. The others are at random instants of 90 years. Each makes one line on
stdout, separated by tabs:

    zone, column (starts or expires), cell, the seconds since 1970, kind

The kind says what is special: `skipped` and `repeated` for a local time, `skipped-midnight`, `repeated-midnight` and
`skipped-day` for a day, `plain` for others.

The zones are those whose rules have not changed for years, because the database of Python may be older or newer than
that of the library.
"""

import random
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

SEED = 20261231
ZONES = [
    "UTC", "Europe/Paris", "Europe/London", "Europe/Dublin", "Atlantic/Azores", "America/New_York",
    "America/Los_Angeles", "America/St_Johns", "America/Sao_Paulo", "America/Santiago", "America/Caracas", "Asia/Beirut",
    "Asia/Kabul", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Pyongyang", "Australia/Lord_Howe", "Antarctica/Troll",
    "Pacific/Apia", "Pacific/Kiritimati",
]
FROM, UNTIL = datetime(1970, 1, 3), datetime(2060, 1, 1)
NEAR_EACH_CHANGE, RANDOM_OF_EACH_ZONE = 6, 300
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def seconds(instant: datetime) -> int:
    """Returns the seconds since 1970 of a time in UTC without a zone."""
    return (instant - datetime(1970, 1, 1)) // SECOND


def to_local(zone: ZoneInfo, instant: datetime) -> datetime:
    """Returns the local time of a time in UTC, both without a zone."""
    return instant.replace(tzinfo=timezone.utc).astimezone(zone).replace(tzinfo=None)


def to_utc(zone: ZoneInfo, local: datetime, fold: int = 0) -> datetime:
    """Returns the time in UTC of a local time, both without a zone."""
    return local.replace(tzinfo=zone, fold=fold).astimezone(timezone.utc).replace(tzinfo=None)


def exists(zone: ZoneInfo, local: datetime) -> bool:
    """Returns whether the clock shows a local time."""
    return to_local(zone, to_utc(zone, local)) == local


def kind(zone: ZoneInfo, local: datetime) -> str:
    """Says what the clock does at a local time."""
    if not exists(zone, local):
        return "skipped"
    return "repeated" if to_utc(zone, local) != to_utc(zone, local, fold=1) else "plain"


def first_where(low: datetime, high: datetime, holds) -> datetime:
    """Returns the first second from which on a condition holds. It holds at the end and not at the start."""
    while high - low > SECOND:
        middle = low + (high - low) // SECOND // 2 * SECOND
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def first_instant(zone: ZoneInfo, midnight: datetime) -> datetime:
    """Returns the first instant of a day, in UTC."""
    instant = to_utc(zone, midnight)
    if exists(zone, midnight):
        return instant
    return first_where(instant - DAY, instant + DAY, lambda instant: to_local(zone, instant) >= midnight)


def changes(zone: ZoneInfo) -> list[datetime]:
    """Returns the instants at which the clock changes."""
    found, at, before = [], FROM, to_local(zone, FROM) - FROM
    while at < UNTIL:
        following = at + DAY
        after = to_local(zone, following) - following
        if after != before:
            found.append(first_where(at, following, lambda instant, old=before: to_local(zone, instant) - instant != old))
        at, before = following, after
    return found


def lines(name: str, zone: ZoneInfo, dice: random.Random):
    """Yields the lines of a zone."""
    near = []
    for change in changes(zone):
        near += [to_local(zone, change) + dice.randint(-9000, 9000) * SECOND for _ in range(NEAR_EACH_CHANGE)]
        near += [to_local(zone, change - SECOND), to_local(zone, change)]
    random_times = [FROM + dice.randrange((UNTIL - FROM) // SECOND) * SECOND for _ in range(RANDOM_OF_EACH_ZONE)]
    for local in near + random_times:
        cell = local.isoformat(sep=dice.choice(" T"))
        column = dice.choice(["starts", "expires"])
        yield name, column, cell, seconds(to_utc(zone, local)), kind(zone, local)
        midnight = local.replace(hour=0, minute=0, second=0)
        tomorrow = midnight + DAY
        first, end = first_instant(zone, midnight), first_instant(zone, tomorrow)
        for column, instant, bound in [("starts", first, midnight), ("expires", end, tomorrow)]:
            special = "skipped-day" if first == end else {"plain": "plain"}.get(kind(zone, bound), f"{kind(zone, bound)}-midnight")
            yield name, column, midnight.date().isoformat(), seconds(instant), special


def main() -> int:
    """Prints the lines of all zones."""
    dice = random.Random(SEED)
    for name in sys.argv[1:] or ZONES:
        try:
            zone = ZoneInfo(name)
        except ZoneInfoNotFoundError as error:
            sys.exit(f"Python knows no time zones: {error}; install the time zone database (Debian: tzdata)")
        for line in lines(name, zone, dice):
            print(*line, sep="\t")
    return 0


if __name__ == "__main__":
    sys.exit(main())

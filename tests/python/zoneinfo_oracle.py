"""Prints the instants of many date cells, according to Python's own zoneinfo module.

Most cells are near a change of a zone's clock. The others are at random times in 90 years. The program prints one
line for each cell, with the fields separated by tabs:

    zone, column (starts or expires), cell, the seconds since 1970, kind

The kind is `skipped` or `repeated` for a local time that does not exist or occurs twice, `skipped-midnight`,
`repeated-midnight` or `skipped-day` for such a day, and `plain` for all other cells.

Only zones whose rules have not changed for years are used, because Python's time zone database may be older or newer
than the library's.
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
    """Returns a naive UTC time as the number of seconds since 1970."""
    return (instant - datetime(1970, 1, 1)) // SECOND


def to_local(zone: ZoneInfo, instant: datetime) -> datetime:
    """Returns the local time of a UTC time, both without a zone."""
    return instant.replace(tzinfo=timezone.utc).astimezone(zone).replace(tzinfo=None)


def to_utc(zone: ZoneInfo, local: datetime, fold: int = 0) -> datetime:
    """Returns the UTC time of a local time, both without a zone."""
    return local.replace(tzinfo=zone, fold=fold).astimezone(timezone.utc).replace(tzinfo=None)


def exists(zone: ZoneInfo, local: datetime) -> bool:
    """Returns whether the local time exists in the zone."""
    return to_local(zone, to_utc(zone, local)) == local


def kind(zone: ZoneInfo, local: datetime) -> str:
    """Returns whether a local time is skipped, repeated or plain."""
    if not exists(zone, local):
        return "skipped"
    return "repeated" if to_utc(zone, local) != to_utc(zone, local, fold=1) else "plain"


def first_where(low: datetime, high: datetime, holds) -> datetime:
    """Returns the first second at which a condition is true. It must be false at `low` and true at `high`."""
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

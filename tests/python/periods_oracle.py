"""Prints random CSVs whose rows have starts and ends, and the networks that get in around each start and end.

The program prints one line of JSON for each CSV:

    {"zone": …, "csv": …, "instants": [[seconds, networks, next change or null, pending rows, expired rows], …]}

The networks are the shortest list that permits the same addresses. Python's own ipaddress module computes them, and
zoneinfo computes the times of the cells. The program shares no code with the library.
"""

import json
import random
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address
from zoneinfo import ZoneInfo

import networks
from networks import Address
from zoneinfo_oracle import DAY, SECOND, changes, first_instant, seconds, to_local, to_utc

SEED = 20270101
# In these zones, the clock skips or repeats an hour, half an hour, an hour at midnight, or a whole day.
ZONES = ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Pacific/Apia"]
FROM, UNTIL = datetime(2009, 1, 1), datetime(2036, 1, 1)
CSVS_OF_EACH_ZONE, MAX_ROWS = 120, 12


@dataclass
class Row:
    """The meaning of a row. `first` is None for `all`."""

    is_allow: bool
    first: Address | None
    last: Address | None
    starts: int | None
    expires: int | None

    def bounds(self) -> list[int]:
        """Returns the times at which the row starts and ends."""
        return [bound for bound in (self.starts, self.expires) if bound is not None]

    def is_reversed(self) -> bool:
        """Returns whether the row ends before or when it starts."""
        return len(self.bounds()) == 2 and self.expires <= self.starts

    def is_pending(self, at: int) -> bool:
        """Returns whether the row starts after this time."""
        return self.starts is not None and at < self.starts

    def is_expired(self, at: int) -> bool:
        """Returns whether the row has ended by this time."""
        return self.expires is not None and self.expires <= at


def local_time(dice: random.Random, zone: ZoneInfo, near: list[datetime]) -> datetime:
    """Returns a random local time, in most cases near a clock change."""
    if dice.random() < 0.6:
        return to_local(zone, dice.choice(near)) + dice.randint(-7300, 7300) * SECOND
    return FROM + dice.randrange((UNTIL - FROM) // SECOND) * SECOND


def bound(dice: random.Random, zone: ZoneInfo, near: list[datetime], is_end: bool) -> tuple[str, int | None]:
    """Returns a random date cell and its time, which is `None` if the cell sets no bound."""
    local = local_time(dice, zone, near)
    form = dice.randrange(8)
    if form < 2:
        return dice.choice(["", "-", "never"]), None
    if form < 4:
        midnight = local.replace(hour=0, minute=0, second=0)
        return midnight.date().isoformat(), seconds(first_instant(zone, midnight + DAY if is_end else midnight))
    if form == 4:
        local = local.replace(second=0)
        return local.strftime("%Y-%m-%d %H:%M"), seconds(to_utc(zone, local))
    if form == 5:
        return local.isoformat(sep=dice.choice(" T")), seconds(to_utc(zone, local))
    if form == 6:
        return f"{local.isoformat()}Z", seconds(local)
    minutes = dice.choice([-210, 330, 765])
    sign = "-" if minutes < 0 else "+"
    offset = f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    return f"{local.isoformat()}{offset}", seconds(local - timedelta(minutes=minutes))


def addresses(dice: random.Random) -> tuple[str, Address | None, Address | None]:
    """Returns a cell, and the first and last address that it covers, or `None` twice for `all`."""
    if dice.random() < 0.08:
        return "all", None, None
    return networks.addresses(dice)


def permitted(rows: list[Row], at: int) -> list[str]:
    """Returns the networks that get in at a time."""
    active = [row for row in rows if not row.is_pending(at) and not row.is_expired(at)]
    everybody = {row.is_allow for row in active if row.first is None}
    is_open = everybody == {True}

    def gets_in(naming: list[Row]) -> bool:
        rules = {row.is_allow for row in naming}
        return False not in rules and (is_open or True in rules)

    return networks.permitted((row for row in active if row.first is not None), gets_in)


def csv_of_zone(dice: random.Random, name: str, zone: ZoneInfo, near: list[datetime]) -> dict:
    """Returns a CSV, and the expected results one second before, at and one second after each start and end."""
    # The first row is always accepted, so that the file is never refused.
    office = IPv4Address("198.51.100.1")
    lines, rows = ["IP,Rule,Starts,Expires", f"{office},Allow,,"], [Row(True, office, office, None, None)]
    for _ in range(dice.randint(1, MAX_ROWS)):
        cell, first, last = addresses(dice)
        is_allow = dice.random() < 0.6
        while True:
            (starts, started), (expires, expired) = bound(dice, zone, near, False), bound(dice, zone, near, True)
            # Keep only a few rows that are rejected because their end is not after their start.
            if not Row(is_allow, first, last, started, expired).is_reversed() or dice.random() < 0.1:
                break
        lines.append(f"{cell},{'Allow' if is_allow else 'Deny'},{starts},{expires}")
        rows.append(Row(is_allow, first, last, started, expired))
    rows = [row for row in rows if not row.is_reversed()]
    # An all,Deny row without dates has the effect that all all,Allow rows are rejected.
    if any(row.first is None and not row.is_allow and not row.bounds() for row in rows):
        rows = [row for row in rows if row.first is not None or not row.is_allow]
    bounds = sorted({bound for row in rows for bound in row.bounds()})
    instants = []
    for at in sorted({bound + shift for bound in bounds for shift in (-1, 0, 1)}):
        pending, expired = sum(row.is_pending(at) for row in rows), sum(row.is_expired(at) for row in rows)
        following = min((bound for bound in bounds if bound > at), default=None)
        instants.append([at, permitted(rows, at), following, pending, expired])
    return {"zone": name, "csv": "\n".join(lines) + "\n", "instants": instants}


def main() -> int:
    """Prints the CSVs of all zones."""
    dice = random.Random(SEED)
    for name in ZONES:
        zone = ZoneInfo(name)
        near = [change for change in changes(zone) if FROM <= change < UNTIL]
        for _ in range(CSVS_OF_EACH_ZONE):
            print(json.dumps(csv_of_zone(dice, name, zone, near)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

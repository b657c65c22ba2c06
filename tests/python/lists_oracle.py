"""Writes random folders of sites that use lists and a common CSV, and prints the networks that get in at each site.

    lists_oracle.py FOLDER NUMBER

creates NUMBER folders in FOLDER. Each folder contains sites/*.csv, lists/*.csv and common.csv. For each folder, the
program prints one line of JSON:

    {"folder": …, "at": …, "kinds": [what occurs in it, …], "sites": {name: networks, or null for a refused site, …}}

The networks are the shortest list that permits the same addresses at the time `at`, if files with rejected rows are
not refused. Python's own ipaddress module computes them. The program shares no code with the library.
"""

import json
import random
import sys
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from ipaddress import IPv4Address
from pathlib import Path

import networks
from networks import Address, addresses

SEED = 20261126
SITES = 20
NOW = 1_795_694_400
# The starts and ends of periods, in seconds relative to NOW.
SHIFTS = [-86_400, -1, 0, 1, 86_400]
NAMES = ["office", "bad-bots", "partners", "monitoring"]


@dataclass(frozen=True)
class Rule:
    """The meaning of a row. `first` is None if the rule applies to everybody."""

    action: str
    first: Address | None
    last: Address | None
    starts: int | None = None
    expires: int | None = None

    def is_active(self) -> bool:
        """Returns whether the rule is active now."""
        return (self.starts is None or self.starts <= NOW) and (self.expires is None or NOW < self.expires)


@dataclass
class Shared:
    """The lists by name, and the rules of the common CSV. A refused file is `None`."""

    lists: dict[str, tuple[str, list[Rule]] | None] = field(default_factory=dict)
    common: list[Rule] | None = field(default_factory=list)


class Folder:
    """A folder to write."""

    def __init__(self, dice: random.Random, path: Path) -> None:
        self.dice = dice
        self.path = path
        self.kinds: set[str] = set()
        self.shared = Shared()

    def make(self) -> dict:
        """Writes the folder. Returns the object to print for it."""
        for name in NAMES:
            if self.dice.random() < 0.9:
                self.make_list(name)
        self.make_common()
        return {"folder": self.path.name, "at": text_of(NOW), "sites": self.make_sites(), "kinds": sorted(self.kinds)}

    def make_list(self, name: str) -> None:
        """Writes a list. The list's rule is empty if its rows have no rule. A list whose rows have different rules is
        refused."""
        kind = self.dice.choice(["", "", "", "Allow", "Deny", "mixed"] if name != "office" else ["", "Allow"])
        lines = ["IP,Starts,Expires" if not kind else "IP,Rule,Starts,Expires"]
        members = []
        for index in range(self.dice.randint(2, 6)):
            cell, first, last = addresses(self.dice)
            starts, expires = self.period("a period in a list")
            rule = kind if kind != "mixed" else ("Allow", "Deny")[index % 2]
            lines.append(",".join([cell, *([rule] if kind else []), text_of(starts), text_of(expires)]))
            members.append(Rule("", first, last, starts, expires))
        self.write(f"lists/{name}.csv", lines)
        self.shared.lists[name] = None if kind == "mixed" else (kind, members)
        if kind == "mixed":
            self.kinds.add("a refused list")

    def make_common(self) -> None:
        """Writes the common CSV."""
        lines, rules = self.rows(self.dice.randint(1, 4), ["Allow", "Deny", "Always", "Always"], False)
        self.write("common.csv", lines)
        self.shared.common = rules

    def make_sites(self) -> dict[str, list[str] | None]:
        """Writes the sites. Returns the networks that get in at each site, or `None` for a refused site."""
        answers: dict[str, list[str] | None] = {}
        for index in range(SITES):
            lines, rules = self.rows(self.dice.randint(1, 6), ["Allow", "Allow", "Deny"], True)
            self.write(f"sites/{index}.csv", lines)
            common = self.shared.common
            answers[str(index)] = None if rules is None or common is None else self.permitted(rules, common)
        return answers

    def permitted(self, rules: list[Rule], common: list[Rule]) -> list[str]:
        """Returns the networks that get in at a site."""
        for always in (rule for rule in common if rule.action == "Always" and rule.is_active()):
            denies = (rule for rule in rules if rule.action == "Deny" and rule.is_active() and rule.first is not None)
            if any(deny.first <= always.first <= deny.last for deny in denies if deny.first.version == always.first.version):
                self.kinds.add("Always inside Deny")
        return permitted([*rules, *common])

    def rows(self, count: int, actions: list[str], is_site: bool) -> tuple[list[str], list[Rule] | None]:
        """Returns the lines of a CSV, and its rules, or `None` instead of the rules if a row refers to a refused
        list."""
        # The first row is always accepted, so that the file has at least one rule.
        office = IPv4Address("198.51.100.1")
        lines, rules = ["IP,Rule,Starts,Expires", f"{office},Allow,,"], [Rule("Allow", office, office)]
        is_refused = False
        for _ in range(count):
            action = self.dice.choice(actions)
            starts, expires = self.period("a period in a row")
            if is_site and self.dice.random() < 0.08:
                lines.append(f"all,{action},{text_of(starts)},{text_of(expires)}")
                rules.append(Rule(action, None, None, starts, expires))
                continue
            if self.dice.random() < 0.4:
                cell, first, last = addresses(self.dice)
                rules.append(Rule(action, first, last, starts, expires))
            else:
                name = self.dice.choice([*NAMES, "offices"])
                cell = f"@{name}"
                named = self.named(name, action)
                is_refused = is_refused or named is None
                rules += [limited(replace(member, action=action), starts, expires) for member in named or []]
            lines.append(f"{cell},{action},{text_of(starts)},{text_of(expires)}")
        # An all,Deny row without dates has the effect that all all,Allow rows are rejected.
        if any(rule == Rule("Deny", None, None) for rule in rules):
            rules = [rule for rule in rules if rule.first is not None or rule.action != "Allow"]
        return lines, None if is_refused else rules

    def named(self, name: str, action: str) -> list[Rule] | None:
        """Returns the members of a list. Empty if the row that refers to the list is rejected, `None` if the list is
        refused."""
        if name not in self.shared.lists:
            self.kinds.add("an unknown list")
            return []
        if self.shared.lists[name] is None:
            return None
        rule, members = self.shared.lists[name]
        if rule and (rule == "Deny") != (action == "Deny"):
            self.kinds.add("a contradicting rule")
            return []
        return members

    def period(self, kind: str) -> tuple[int | None, int | None]:
        """Returns a start and a later end. Most often, the row has neither."""
        if self.dice.random() < 0.7:
            return None, None
        self.kinds.add(kind)
        starts, expires = sorted(self.dice.sample(SHIFTS, 2))
        form = self.dice.randrange(3)
        return (None if form == 1 else NOW + starts), (None if form == 2 else NOW + expires)

    def write(self, name: str, lines: list[str]) -> None:
        """Writes a CSV."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")


def text_of(at: int | None) -> str:
    """Returns the cell for a start or an end."""
    return "" if at is None else datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def limited(member: Rule, starts: int | None, expires: int | None) -> Rule:
    """Returns the member with its period limited to the period of the row."""
    latest = max((bound for bound in (member.starts, starts) if bound is not None), default=None)
    earliest = min((bound for bound in (member.expires, expires) if bound is not None), default=None)
    return replace(member, starts=latest, expires=earliest)


def permitted(rules: list[Rule]) -> list[str]:
    """Returns the networks that get in at NOW."""
    active = [rule for rule in rules if rule.is_active()]
    is_open = {rule.action for rule in active if rule.first is None} == {"Allow"}

    def gets_in(naming: list[Rule]) -> bool:
        actions = {rule.action for rule in naming}
        return "Always" in actions or ("Deny" not in actions and (is_open or "Allow" in actions))

    return networks.permitted((rule for rule in active if rule.first is not None), gets_in)


def main() -> int:
    """Writes all folders, and prints a line for each."""
    parent, number = Path(sys.argv[1]), int(sys.argv[2])
    dice = random.Random(SEED)
    for index in range(number):
        print(json.dumps(Folder(dice, parent / str(index)).make()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

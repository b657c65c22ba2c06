"""Measures folders of one httpd in turns, and prints the results."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from httpd import Httpd, Load
from lists import AddressList

BASES = {"denied": "Require all denied\n", "granted": "Require all granted\n"}
"""The baselines without an access list: for each verdict, the smallest `.htaccess` file that returns it."""


@dataclass
class Target:
    """A measured folder, and the client that sends the requests."""

    name: str
    folder: str
    client: str
    networks: int = 0
    base: str = "denied"
    loads: list[Load] = field(default_factory=list)
    over: float = 0.0
    """The CPU microseconds of a request, minus those of the baseline."""

    def cpu(self) -> float:
        """Returns the minimum of all rounds, because other work on the machine can only increase the time."""
        return min(load.cpu_microseconds for load in self.loads)

    def rate(self) -> float:
        return max(load.requests_per_second for load in self.loads)


def lay(httpd: Httpd, folder: str, htaccess: str, list_: AddressList) -> None:
    """Writes a form, and checks that listed clients get in and unlisted clients do not."""
    httpd.put(folder, htaccess)
    ask(httpd, folder, list_)


def ask(httpd: Httpd, folder: str, list_: AddressList) -> None:
    clients = list_.listed + list_.unlisted
    expected = [200] * len(list_.listed) + [403] * len(list_.unlisted)
    got = httpd.status(folder, clients)
    if got != expected:
        raise SystemExit(f"{folder}: {clients} got {got} instead of {expected}\n{httpd.errors()}")


def measure(
    httpd: Httpd, targets: list[Target], rounds: int, seconds: float, keep_alive: bool = True
) -> list[Target]:
    """Measures the targets in turns, each for about `seconds` per round. Returns the baselines and then the targets."""
    bases = [Target(f"Require all {name}", name, "192.0.2.1", base=name) for name in BASES]
    for name, text in BASES.items():
        httpd.put(name, text)
    every = bases + targets
    counts = []
    for target in every:
        first = httpd.load(target.folder, target.client, 5, keep_alive)
        counts.append(max(10, min(20_000, int(first.requests_per_second * seconds))))
    for _ in range(rounds):
        for target, count in zip(every, counts):
            target.loads.append(httpd.load(target.folder, target.client, count, keep_alive))
    base = {target.folder: target.cpu() for target in bases}
    for target in every:
        target.over = target.cpu() - base[target.base]
    return every


def show(title: str, targets: Iterable[Target]) -> None:
    print(f"\n{title}\n\n| form | requests/s | CPU µs | over µs | ns a network |\n|---|---|---|---|---|")
    for target in targets:
        each = f"{target.over * 1000 / target.networks:,.0f}" if target.networks else ""
        print(f"| {target.name} | {target.rate():,.0f} | {target.cpu():,.1f} | {target.over:,.1f} | {each} |", flush=True)

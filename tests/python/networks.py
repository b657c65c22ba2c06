"""Random addresses from a small pool, and the networks that get in according to rules, for the other oracles in this
folder.

Python's own ipaddress module computes the networks.
"""

from __future__ import annotations

import random
from ipaddress import IPv4Address, IPv6Address, ip_network, summarize_address_range
from typing import Callable, Iterable, Protocol, Union

Address = Union[IPv4Address, IPv6Address]
POOL = [IPv4Address("192.0.2.0"), IPv6Address("2001:db8::")]
POOL_BITS = 6
WHOLE = [(IPv4Address(0), IPv4Address(2**32 - 1)), (IPv6Address(0), IPv6Address(2**128 - 1))]


class Range(Protocol):
    """Anything that applies to a range of addresses."""

    first: Address
    last: Address


def addresses(dice: random.Random) -> tuple[str, Address, Address]:
    """Returns a cell, and the first and last address that it covers."""
    base = dice.choice(POOL)
    if dice.random() < 0.5:
        host_bits = dice.randrange(POOL_BITS)
        first = base + (dice.randrange(2**POOL_BITS) >> host_bits << host_bits)
        network = ip_network((first, base.max_prefixlen - host_bits))
        return str(network), network[0], network[-1]
    one, other = sorted(dice.randrange(2**POOL_BITS) for _ in range(2))
    return f"{base + one}-{base + other}", base + one, base + other


def permitted(rules: Iterable[Range], gets_in: Callable[[list], bool]) -> list[str]:
    """Returns the shortest list of networks that get in. `gets_in` decides from the rules that cover an address."""
    rules = list(rules)
    ranges: list[list] = []
    for first, last in WHOLE:
        inside = [rule for rule in rules if rule.first.version == first.version]
        cuts = sorted({first} | {rule.first for rule in inside} | {rule.last + 1 for rule in inside})
        for start, following in zip(cuts, [*cuts[1:], None]):
            end = last if following is None else following - 1
            if not gets_in([rule for rule in inside if rule.first <= start <= rule.last]):
                continue
            if ranges and ranges[-1][0].version == start.version and ranges[-1][1] + 1 == start:
                ranges[-1][1] = end
            else:
                ranges.append([start, end])
    networks = [network for first, last in ranges for network in summarize_address_range(first, last)]
    # The library's lists never contain a network with a prefix length of 0.
    parts = [part for network in networks for part in ([network] if network.prefixlen else network.subnets())]
    return [str(part[0]) if part.num_addresses == 1 else str(part) for part in parts]

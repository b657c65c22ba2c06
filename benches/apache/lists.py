"""Generates lists of addresses for measurements. The same seed always gives the same list."""

from __future__ import annotations

import ipaddress
import random
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

Network = IPv4Network | IPv6Network


@dataclass
class AddressList:
    """A merged and sorted list of networks, with listed and unlisted clients for the checks."""

    networks: list[Network]
    listed: list[str]
    unlisted: list[str]

    @property
    def last(self) -> str:
        """Returns the client at the end of the list."""
        return self.listed[-1]


def text(network: Network) -> str:
    """Returns the text that the built-in templates write for a network. A single address has no prefix length."""
    single = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if single else str(network)


def ipv4_bits(rng: random.Random) -> int:
    """Returns a random address whose first octet is 1 to 223, except 127."""
    first = rng.randrange(1, 224)
    return (10 if first == 127 else first) << 24 | rng.randrange(1 << 24)


def _finish(networks: list[Network], rng: random.Random) -> AddressList:
    merged: list[Network] = []
    for version in (4, 6):
        family = [network for network in networks if network.version == version]
        merged += sorted(ipaddress.collapse_addresses(family))
    first, last = merged[0], merged[-1]
    middle = merged[len(merged) // 2]
    unlisted = []
    starts = sorted((int(n.network_address), int(n.broadcast_address)) for n in merged if n.version == 4)
    while starts and len(unlisted) < 5:
        bits = ipv4_bits(rng)
        if not any(low <= bits <= high for low, high in starts):
            unlisted.append(str(ipaddress.IPv4Address(bits)))
    unlisted.append("2001:db8:ffff:ffff::9")
    listed = [str(first.network_address), str(middle.network_address), str(middle.broadcast_address)]
    return AddressList(merged, [*listed, str(last.broadcast_address)], unlisted)


def scattered(count: int, seed: int = 1) -> AddressList:
    """Generates single IPv4 addresses that are spread randomly."""
    rng = random.Random(seed)
    bits = {ipv4_bits(rng) for _ in range(count)}
    while len(bits) < count:
        bits.add(ipv4_bits(rng))
    return _finish([IPv4Network(address) for address in sorted(bits)], rng)


def clustered(count: int, seed: int = 1) -> AddressList:
    """Generates IPv4 addresses in runs of 16 to 256."""
    rng = random.Random(seed)
    networks: list[Network] = []
    left = count
    while left > 0:
        run = min(left, rng.randrange(16, 257))
        first = ipv4_bits(rng)
        last = min(first + run - 1, (1 << 32) - 1)
        networks += ipaddress.summarize_address_range(ipaddress.IPv4Address(first), ipaddress.IPv4Address(last))
        left -= run
    return _finish(networks, rng)


def scattered_ipv6(count: int, seed: int = 1) -> AddressList:
    """Generates single random IPv6 addresses inside 2000::/3."""
    rng = random.Random(seed)
    return _finish([IPv6Network(1 << 125 | rng.randrange(1 << 125)) for _ in range(count)], rng)


def networks_ipv4(count: int, prefix: int, seed: int = 1) -> AddressList:
    """Generates IPv4 networks with the same prefix length. No two of them can be merged."""
    rng = random.Random(seed)
    starts: set[int] = set()
    while len(starts) < count:
        start = ipv4_bits(rng) >> (32 - prefix)
        if start ^ 1 not in starts:
            starts.add(start)
    return _finish([IPv4Network((start << (32 - prefix), prefix)) for start in starts], rng)


def networks_ipv6(count: int, prefix: int, seed: int = 1) -> AddressList:
    """Generates IPv6 networks with the same prefix length."""
    rng = random.Random(seed)
    host = 128 - prefix
    starts = [(1 << 125 | rng.randrange(1 << 125)) >> host << host for _ in range(count)]
    return _finish([IPv6Network((start, prefix)) for start in starts], rng)


def holes(networks: int, singles: int, denied: int, seed: int = 1) -> tuple[AddressList, list[Network], AddressList]:
    """Generates /24 networks and `singles` single addresses, and denies `denied` addresses in each network.

    Returns the allowed addresses, the denied addresses, and the allowed addresses without the denied ones.
    """
    rng = random.Random(seed)
    wide = networks_ipv4(networks, 24, seed)
    alone = [IPv4Network(ipv4_bits(rng)) for _ in range(singles)]
    out: list[Network] = []
    for network in wide.networks:
        inner = [address for address in network][1:-1]
        out += sorted(IPv4Network(str(address)) for address in rng.sample(inner, denied))
    spans: list[Network] = list(alone)
    for network in wide.networks:
        first = int(network.network_address)
        ends = [int(hole.network_address) for hole in out if hole.subnet_of(network)]  # type: ignore[arg-type]
        for end in [*ends, int(network.broadcast_address) + 1]:
            if first < end:
                edges = ipaddress.IPv4Address(first), ipaddress.IPv4Address(end - 1)
                spans += ipaddress.summarize_address_range(*edges)
            first = end + 1
    allow = _finish([*wide.networks, *alone], rng)
    left = _finish(spans, rng)
    left.unlisted.append(str(out[0].network_address))
    return allow, out, left


KINDS = {
    "scattered": scattered,
    "clustered": clustered,
    "ipv6": scattered_ipv6,
    "net8": lambda count: networks_ipv4(min(count, 90), 8),
    "net16": lambda count: networks_ipv4(count, 16),
    "net20": lambda count: networks_ipv4(count, 20),
    "net6": lambda count: networks_ipv6(count, 48),
    "net24": lambda count: networks_ipv4(count, 24),
}

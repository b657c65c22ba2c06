"""Connects from any address to a port of this machine, through the nftables rules of one policy after the other.

Runs in a separate network namespace, in which every address is local. Reads a list of `{"sets": FILE, "chain": FILE,
"clients": [ADDRESS, ...]}` from standard input. Prints for each entry a list of `[ADDRESS, got in]` of the clients
whose address a packet can have, which excludes unspecified, multicast, broadcast and IPv4-mapped IPv6 addresses.
"""

import ipaddress
import json
import socket
import subprocess
import sys

PORT = 80
SETUP = (
    ("ip", "link", "set", "lo", "up"),
    ("ip", "route", "add", "local", "0.0.0.0/0", "dev", "lo"),
    ("ip", "-6", "route", "add", "local", "::/0", "dev", "lo"),
)
SERVERS = {4: (socket.AF_INET, "127.0.0.1"), 6: (socket.AF_INET6, "::1")}
# From linux/in6.h: allows an address that no interface has.
IPV6_FREEBIND = 78
# The route to everywhere, and that of the loopback network.
BROADCAST = ("255.255.255.255", "127.255.255.255")
PATIENCE_SECONDS = 20


def main() -> None:
    policies = json.load(sys.stdin)
    for command in SETUP:
        subprocess.run(command, check=True)
    listeners = {version: listen(family, server) for version, (family, server) in SERVERS.items()}
    results = []
    for policy in policies:
        for file in ("sets", "chain"):
            subprocess.run(("nft", "-f", policy[file]), check=True)
        # A second time, because loading again must be allowed and must change nothing.
        subprocess.run(("nft", "-f", policy["sets"]), check=True)
        tried = ((client, gets_in(client, listeners)) for client in policy["clients"])
        results.append([[client, got_in] for client, got_in in tried if got_in is not None])
        subprocess.run(("nft", "delete", "table", "inet", "ip_rules"), check=True)
    json.dump(results, sys.stdout)


def listen(family: socket.AddressFamily, server: str) -> socket.socket:
    listener = socket.socket(family)
    listener.bind((server, PORT))
    listener.listen()
    return listener


def gets_in(client: str, listeners: dict[int, socket.socket]) -> bool | None:
    """None for a client that cannot exist, because no connection can come from its address."""
    address = ipaddress.ip_address(client)
    is_mapped = address.version == 6 and address.ipv4_mapped
    if is_mapped or address.is_unspecified or address.is_multicast or client in BROADCAST:
        return None
    family, server = SERVERS[address.version]
    with socket.socket(family) as connection:
        connection.settimeout(PATIENCE_SECONDS)
        if address.version == 6:
            connection.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
        try:
            connection.bind((client, 0))
        except OSError:
            return None
        try:
            connection.connect((server, PORT))
        except ConnectionRefusedError:
            return False
        accepted, peer = listeners[address.version].accept()
        accepted.close()
        if ipaddress.ip_address(peer[0]) != address:
            raise SystemExit(f"{client} came as {peer[0]}")
        return True


main()

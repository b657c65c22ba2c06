"""Connects from many addresses to ports of this machine, with the nftables rules of each policy in turn.

Each client tries TCP, and UDP as HTTP/3 does. Both must have the same result. Each client that can exist also sends a
ping and a packet to another UDP port, which must always get in.

The program runs in a separate network namespace, in which every address is local. It reads a list of `{"sets": FILE,
"chain": FILE, "clients": [ADDRESS, ...]}` from standard input. For each entry it prints a list of `[ADDRESS, got in]`
of the clients whose address can occur in a packet. This excludes unspecified, multicast, broadcast and IPv4-mapped
IPv6 addresses.
"""

import ipaddress
import json
import os
import socket
import struct
import subprocess
import sys

PORT = 80
HTTP3_PORT = 443
# A port that the chain does not protect.
OTHER_PORT = 444
SETUP = (
    ("ip", "link", "set", "lo", "up"),
    ("ip", "route", "add", "local", "0.0.0.0/0", "dev", "lo"),
    ("ip", "-6", "route", "add", "local", "::/0", "dev", "lo"),
)
SERVERS = {4: (socket.AF_INET, "127.0.0.1"), 6: (socket.AF_INET6, "::1")}
# From linux/in6.h: allows a socket to use an address that no interface has.
IPV6_FREEBIND = 78
# The broadcast addresses of all networks and of the loopback network.
BROADCAST = ("255.255.255.255", "127.255.255.255")
PATIENCE_SECONDS = 20


def main() -> None:
    policies = json.load(sys.stdin)
    for command in SETUP:
        subprocess.run(command, check=True)
    # On one processor, packets through the loopback interface arrive in the order in which they are sent.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    listeners = {version: listen(family, server) for version, (family, server) in SERVERS.items()}
    receivers = {}
    for version, (family, server) in SERVERS.items():
        receivers[version] = [receive(family, server, HTTP3_PORT, 0), receive(family, server, OTHER_PORT, PATIENCE_SECONDS)]
    results = []
    for policy in policies:
        for file in ("sets", "chain"):
            subprocess.run(("nft", "-f", policy[file]), check=True)
        # Load the sets again, which must succeed and change nothing.
        subprocess.run(("nft", "-f", policy["sets"]), check=True)
        tried = [(client, gets_in(client, listeners)) for client in policy["clients"]]
        results.append([[client, got_in] for client, got_in in tried if got_in is not None])
        for client, got_in in results[-1]:
            if gets_in_by_udp(client, receivers) != got_in:
                raise SystemExit(f"{client}: TCP {'gets in, UDP does not' if got_in else 'does not get in, UDP does'}")
            ping(client)
        subprocess.run(("nft", "delete", "table", "inet", "ip_rules"), check=True)
    json.dump(results, sys.stdout)


def listen(family: socket.AddressFamily, server: str) -> socket.socket:
    listener = socket.socket(family)
    listener.bind((server, PORT))
    listener.listen()
    return listener


def receive(family: socket.AddressFamily, server: str, port: int, patience_seconds: int) -> socket.socket:
    receiver = socket.socket(family, socket.SOCK_DGRAM)
    receiver.bind((server, port))
    receiver.settimeout(patience_seconds)
    return receiver


def gets_in_by_udp(client: str, receivers: dict[int, list[socket.socket]]) -> bool:
    """Sends a packet to the protected port, then one to the other port. When the second packet has arrived, the first
    has either arrived or been dropped."""
    version = ipaddress.ip_address(client).version
    family, server = SERVERS[version]
    protected, other = receivers[version]
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        bind(sender, client)
        sender.sendto(client.encode(), (server, HTTP3_PORT))
        sender.sendto(client.encode(), (server, OTHER_PORT))
    if other.recv(100) != client.encode():
        raise SystemExit(f"a packet of {client} did not arrive")
    try:
        return protected.recv(100) == client.encode()
    except BlockingIOError:
        return False


def ping(client: str) -> None:
    """Sends an echo request, and waits for the reply."""
    version = ipaddress.ip_address(client).version
    family, server = SERVERS[version]
    protocol, request, answer = (socket.IPPROTO_ICMP, 8, 0) if version == 4 else (socket.IPPROTO_ICMPV6, 128, 129)
    packet = struct.pack("!BBHHH", request, 0, 0, 1, 1)
    if version == 4:  # For IPv6, the kernel fills in the checksum.
        packet = struct.pack("!BBHHH", request, 0, 0xFFFF - (request << 8) - 2, 1, 1)
    with socket.socket(family, socket.SOCK_RAW, protocol) as sender:
        bind(sender, client)
        sender.settimeout(PATIENCE_SECONDS)
        sender.sendto(packet, (server, 0))
        # A raw IPv4 socket also receives the IP header of 20 bytes. Both kinds of sockets also receive other messages.
        while sender.recv(100)[20 if version == 4 else 0] != answer:
            pass


def bind(connection: socket.socket, client: str) -> None:
    """Binds a socket to the client's address. Raises OSError if packets cannot come from this address."""
    if connection.family == socket.AF_INET6:
        connection.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
    connection.bind((client, 0))


def gets_in(client: str, listeners: dict[int, socket.socket]) -> bool | None:
    """Returns whether the client gets in by TCP, or None if a connection cannot come from its address."""
    address = ipaddress.ip_address(client)
    is_mapped = address.version == 6 and address.ipv4_mapped
    if is_mapped or address.is_unspecified or address.is_multicast or client in BROADCAST:
        return None
    family, server = SERVERS[address.version]
    with socket.socket(family) as connection:
        connection.settimeout(PATIENCE_SECONDS)
        try:
            bind(connection, client)
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

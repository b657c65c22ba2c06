"""The ways to write a list of networks in a `.htaccess` file. Each text permits exactly the listed clients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import IPv4Network

from lists import AddressList, Network, text

LINE_BYTES = 7900
"""The maximum length of a line, equal to `MAX_NETWORK_LINE_BYTES` in src/render/packed_lines.rs."""


def packed(words: Sequence[str], line_bytes: int = LINE_BYTES, between: str = " ") -> list[str]:
    """Joins the words into as few lines of at most `line_bytes` as possible."""
    lines: list[str] = []
    line: list[str] = []
    length = 0
    for word in words:
        if line and length + len(between) + len(word) > line_bytes:
            lines.append(between.join(line))
            line, length = [], 0
        length += len(word) + (len(between) if line else 0)
        line.append(word)
    return [*lines, between.join(line)] if line else lines


def grouped(words: Sequence[str], count: int) -> list[str]:
    return [" ".join(words[at : at + count]) for at in range(0, len(words), count)]


def texts(networks: Sequence[Network]) -> list[str]:
    return [text(network) for network in networks]


def directives(before: str, lines: Sequence[str], after: str = "") -> str:
    return "".join(f"{before}{line}{after}\n" for line in lines)


def families(networks: Sequence[Network]) -> list[str]:
    """Returns packed lines. IPv4 and IPv6 networks are on separate lines."""
    return [line for version in (4, 6) for line in packed(texts([n for n in networks if n.version == version]))]


def apache24(list_: AddressList) -> str:
    """Returns the current output of the template apache24 for an allow list."""
    return directives("Require ip ", families(list_.networks))


def per_line(count: int) -> Callable[[AddressList], str]:
    return lambda list_: directives("Require ip ", grouped(texts(list_.networks), count))


def line_bytes(size: int) -> Callable[[AddressList], str]:
    return lambda list_: directives("Require ip ", packed(texts(list_.networks), size))


def inside(before: str, after: str) -> Callable[[AddressList], str]:
    return lambda list_: f"{before}\n{apache24(list_)}{after}\n"


def nested(list_: AddressList) -> str:
    """Writes one address per line, in inner containers of a hundred addresses."""
    words = texts(list_.networks)
    inner = [directives("Require ip ", words[at : at + 100]) for at in range(0, len(words), 100)]
    return "".join(f"<RequireAny>\n{group}</RequireAny>\n" for group in inner)


def not_ip(list_: AddressList) -> str:
    """Writes a double negation, which denies the clients that match none of the networks."""
    none = directives("Require not ip ", families(list_.networks))
    inner = f"<RequireAll>\nRequire all granted\n{none}</RequireAll>\n"
    return f"<RequireAll>\nRequire all granted\n<RequireNone>\n{inner}</RequireNone>\n</RequireAll>\n"


def apache22(list_: AddressList, count: int | None = None) -> str:
    lines = grouped(texts(list_.networks), count) if count else families(list_.networks)
    return "Order Allow,Deny\n" + directives("Allow from ", lines)


def expr_R(list_: AddressList) -> str:
    tests = [f"-R'{word}'" for word in texts(list_.networks)]
    return directives('Require expr "', packed(tests, between="||"), '"')


def expr_in(list_: AddressList) -> str:
    words = [f"'{word}'" for word in texts(list_.networks)]
    return directives('Require expr "%{REMOTE_ADDR} in { ', packed(words, between=","), ' }"')


def expr_strmatch(list_: AddressList) -> str:
    """Writes expressions that search for the client's address in a string that contains a whole line of addresses."""
    lines = packed(texts(list_.networks), between="|")
    return directives("Require expr \"'|", lines, "|' -strmatch '*|%{REMOTE_ADDR}|*'\"")


def regex_words(list_: AddressList) -> list[str]:
    return [word.replace(".", "\\.") for word in texts(list_.networks)]


def expr_regex(list_: AddressList) -> str:
    lines = packed(regex_words(list_), between="|")
    return directives('Require expr "%{REMOTE_ADDR} =~ m#^(?:', lines, ')$#"')


def setenvif_regex(list_: AddressList) -> str:
    lines = packed(regex_words(list_), between="|")
    return directives("SetEnvIf Remote_Addr ^(?:", lines, ")$ listed") + "Require env listed\n"


def trie(words: Sequence[Sequence[str]]) -> str:
    """Returns a regular expression in which common leading octets of addresses are written only once."""
    branches: dict[str, list[Sequence[str]]] = {}
    for head, *tail in words:
        branches.setdefault(head, []).append(tail)
    parts = [head + ("\\." + trie(tails) if tails[0] else "") for head, tails in branches.items()]
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"


def expr_trie(list_: AddressList) -> str:
    words = [word.split(".") for word in texts(list_.networks)]
    lines = [trie(words[at : at + 550]) for at in range(0, len(words), 550)]
    return directives('Require expr "%{REMOTE_ADDR} =~ m#^', lines, '$#"')


def partial(list_: AddressList) -> str:
    """Writes networks whose prefix ends at an octet as their leading octets: `192.0.2` for `192.0.2.0/24`."""

    def short(network: Network) -> str:
        whole = isinstance(network, IPv4Network) and network.prefixlen in (8, 16, 24)
        octets = network.prefixlen // 8
        return ".".join(str(network.network_address).split(".")[:octets]) if whole else text(network)

    return directives("Require ip ", packed([short(network) for network in list_.networks]))


def netmask(list_: AddressList) -> str:
    return directives("Require ip ", packed([n.with_netmask for n in list_.networks]))


def with_prefix(list_: AddressList) -> str:
    """Writes single addresses with `/32` and `/128`."""
    return directives("Require ip ", packed([str(network) for network in list_.networks]))


def quoted(list_: AddressList) -> str:
    return directives("Require ip ", packed([f'"{word}"' for word in texts(list_.networks)]))


def exploded(list_: AddressList) -> str:
    """Writes IPv6 addresses with all zeros."""
    return directives("Require ip ", packed([network.exploded.removesuffix("/128") for network in list_.networks]))


def upper(list_: AddressList) -> str:
    return apache24(list_).replace("Require ip ", "\0").upper().replace("\0", "Require ip ")


def backwards(list_: AddressList) -> str:
    return directives("Require ip ", packed(texts(list_.networks[::-1])))


def widest_first(list_: AddressList) -> str:
    return directives("Require ip ", packed(texts(sorted(list_.networks, key=lambda n: n.prefixlen))))


def commented(list_: AddressList) -> str:
    """Adds comments that double the number of bytes of the text."""
    text_ = apache24(list_)
    return text_ + "".join("#" + line[1:] + "\n" for line in text_.splitlines())


def two_lists(allow: Sequence[Network], deny: Sequence[Network]) -> str:
    """Returns the current output of the template apache24 for networks that contain denied addresses."""
    allowed = directives("    Require ip ", families(allow))
    denied = directives("    Require ip ", families(deny))
    return (
        f"<RequireAll>\n  <RequireAny>\n{allowed}  </RequireAny>\n"
        f"  <RequireNone>\n{denied}  </RequireNone>\n</RequireAll>\n"
    )

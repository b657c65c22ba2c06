"""Prints how Python's own ipaddress module interprets many strings as address cells.

The strings are all literals in the source of CPython's test_ipaddress module, some further strings, and mutations of
both that a seeded generator makes. The program prints one line for each string, with the fields separated by tabs:

    the string's UTF-8 in hex, verdict, family, first and last address in hex

The verdict is `accepted` or `rejected` according to ip_address or ip_network(strict=True), or `scope`, `range` or
`all` for the three cases in which the CSV format differs from Python. The last three fields are empty if the string
is not an address.
"""

import ast
import ipaddress
import random
import sys

STRINGS = 300_000
SEED = 20250611
# The characters with Unicode's White_Space property, which are trimmed from cells. (str.strip() also removes \x1c to \x1f.)
WHITE_SPACE = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u2028\u2029\u202f\u205f\u3000"
)
ALPHABET = list("0123456789abcdefABCDEF....::::////--%+*gxzGX ,;[]_'\\\t\n\r\x00\x1c\x1f\x7f") + [
    "00", "0", "255", "256", "::", "ffff", "/32", "/128", "/0", "0.0.0.255", "255.255.255.0",
    "%eth0", " - ", "-", "\xa0", "\u3000", "\u200b", "\ufeff", "\u0661", "\uff11", "\xb2", "\u2488",
    "\u2013", "\u1d7d8", "\U0001d7d8", "\xe9",
]
OURS = [
    "192.0.2.1", "10.0.0.0/8", "10.0.0.5/24", "10.0.0.0/255.0.0.0", "10.0.0.0/0.255.255.255",
    "0.0.0.0/0", "::/0", "2001:db8::/32", "fe80::1%eth0", "fe80::%eth0/64", "::ffff:1.2.3.4",
    "::ffff:102:0/112", "::ffff:0:0/96", "::fffe:0:0/95", "::1.2.3.4/126", "10.0.0.1-10.0.0.9",
    "10.0.0.1 - 10.0.0.9", "::1-::9", "::ffff:1.2.3.4-1.2.3.9", "all", "ANY", "*", "1.2.3.4-::9",
    "10.0.0.0/008", "0.0.0.0/255.255.255.255", "0.0.0.0/0.0.0.0", "1:2:3:4:5:6:7::", "2.2.2",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", "255.255.255.255/32", "1.2.3.4/", "/24", "-",
] + [
    f"{address}/{'0' * zeros}{length}"
    for address, length in (("10.0.0.0", "8"), ("2001:db8::", "32"), ("0.0.0.0", ""), ("::", ""))
    for zeros in (1, 2, 30, 4297, 4298, 4299, 4300, 4301, 5000)
]


def literals():
    """Returns all string literals in the source of CPython's own tests, without duplicates."""
    try:
        from test import test_ipaddress
    except ImportError:
        sys.exit(
            f"{sys.executable} has no test.test_ipaddress: install libpython3-testsuite "
            "(Debian, Ubuntu), python3-test (Fedora), or a Python from python.org or pyenv"
        )
    with open(test_ipaddress.__file__, encoding="utf-8") as source:
        tree = ast.parse(source.read())
    found = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return sorted({value for value in found if isinstance(value, str)})


def mutated(rng, text):
    """Returns the text with one to three small changes."""
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3))):
        start = rng.randrange(len(text) + 1)
        end = min(len(text), start + rng.choice((1, 1, 1, 2, 4)))
        change = rng.randrange(6)
        if change == 0:
            text = text[:start] + rng.choice(ALPHABET) + text[start:]
        elif change == 1:
            text = text[:start] + text[end:]
        elif change == 2:
            text = text[:start] + rng.choice(ALPHABET) + text[end:]
        elif change == 3:
            text = text[:start] + text[start:end] + text[start:]
        elif change == 4:
            text = text[:start] + str(rng.randrange(300)) + text[end:]
        else:
            text = text[:start] + text[end : end + 1] + text[start:end] + text[end + 1 :]
    return text


def strings():
    """Returns all strings without duplicates: the seeds, then the mutations."""
    rng = random.Random(SEED)
    seeds = literals() + OURS
    # Mutations of long texts (documentation, source code) are little more than noise, so only short texts are mutated.
    short = [text for text in seeds if len(text) <= 60]
    addresses = [text for text in short if "%" not in text and address(text)]
    seen = dict.fromkeys(seeds)
    while len(seen) < STRINGS:
        text = rng.choice(short)
        joined = rng.randrange(10)
        if joined == 0:
            text = rng.choice(addresses) + rng.choice(("-", " - ", "- ", "-")) + rng.choice(addresses)
        elif joined == 1:
            text = rng.choice(short) + rng.choice("-/ ") + text
        if rng.randrange(20):
            text = mutated(rng, text)
        seen[text] = None
    return seen


def address(text):
    """Returns the address according to Python, or None."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def network(text):
    """Returns the network according to Python, or None."""
    try:
        return ipaddress.ip_network(text, strict=True)
    except ValueError:
        return None


def without_mapping(found):
    """Converts an IPv4-mapped IPv6 address to IPv4. Returns other addresses unchanged."""
    return getattr(found, "ipv4_mapped", None) or found


def span(first, last):
    """Returns the family, the first and the last address as text. A network of IPv4-mapped addresses is returned as IPv4."""
    ends = without_mapping(first), without_mapping(last)
    if ends[0].version != ends[1].version:
        ends = first, last
    return f"{ends[0].version}\t{int(ends[0]):x}\t{int(ends[1]):x}"


def range_span(text):
    """Returns the fields for a range, or None. Both ends must be in the same family and in ascending order."""
    if "%" in text:
        return None
    ends = [without_mapping(address(end.strip(WHITE_SPACE))) for end in text.split("-", 1)]
    if len(ends) != 2 or None in ends:
        return None
    first, last = ends
    if first.version != last.version or first > last:
        return None
    return span(first, last)


def verdict(text):
    """Returns the verdict and the address fields, separated by tabs."""
    text = text.strip(WHITE_SPACE)
    one, net = address(text), network(text)
    if one is not None or net is not None:
        if "%" in text:
            return "scope\t\t\t"
        if one is not None:
            return "accepted\t" + span(one, one)
        return "accepted\t" + span(net[0], net[-1])
    if text == "*" or text.isascii() and text.lower() in ("all", "any"):
        return "all\t\t\t"
    named = range_span(text)
    return f"range\t{named}" if named else "rejected\t\t\t"


for string in strings():
    try:
        encoded = string.encode().hex()
    except UnicodeEncodeError:
        continue
    print(encoded, verdict(string), sep="\t")

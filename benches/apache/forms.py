"""Measures the cost of the ways to write a `.htaccess` in a real Apache, per request.

    python3 benches/apache/forms.py lines              the number of networks on a line
    python3 benches/apache/forms.py containers         the directives and their containers
    python3 benches/apache/forms.py texts              the text of an address
    python3 benches/apache/forms.py order              the order of networks, and the client
    python3 benches/apache/forms.py lists              one list or two
    python3 benches/apache/forms.py place              .htaccess or the server's configuration
    python3 benches/apache/forms.py fit                the sorts of network that src/report/apache_cost.rs distinguishes

Needs Debian's apache2-bin and apache2-utils (`ab`). Before it is measured, every form is checked with listed and
unlisted clients, and a wrong answer ends the run. Forms are measured in turns, `--rounds` times, and the best round is
shown. "CPU" is the CPU time of the server's own threads for a request. "over" is the share of the access control: the
CPU time minus that of the same request with `Require all denied` (or `all granted`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable

import written
from httpd import Httpd
from lists import KINDS, AddressList, holes
from measure import Target, ask, lay, measure, show

Form = Callable[[AddressList], str]


def compare(arguments: argparse.Namespace, kind: str, count: int, forms: dict[str, Form]) -> None:
    list_ = KINDS[kind](count)
    with Httpd() as httpd:
        targets = []
        for name, form in forms.items():
            folder = f"form{len(targets)}"
            lay(httpd, folder, form(list_), list_)
            targets.append(Target(name, folder, list_.unlisted[0], len(list_.networks)))
        targets = measure(httpd, targets, arguments.rounds, arguments.seconds)
    show(f"{count:,} addresses, {kind}: {len(list_.networks):,} networks, client not listed", targets)


def lines(arguments: argparse.Namespace) -> None:
    counts = (1, 2, 5, 10, 20, 50, 100, 200)
    sizes = {f"lines of {size:,} bytes": written.line_bytes(size) for size in (1000, 2000, 4000, 7900, 8170)}
    for kind, count in selected(arguments, ["scattered", "clustered"], [100, 1000, 5000, 50000]):
        # At 50,000 addresses, a request takes seconds if a line has fewer than ten networks.
        tried = [many for many in counts if many >= 10 or count < 50_000]
        forms = {f"{many} on a line": written.per_line(many) for many in tried}
        compare(arguments, kind, count, forms | sizes)


def containers(arguments: argparse.Namespace) -> None:
    forms: dict[str, Form] = {
        "apache24: Require ip": written.apache24,
        "in RequireAny": written.inside("<RequireAny>", "</RequireAny>"),
        "in RequireAll, RequireAny": written.inside("<RequireAll>\n<RequireAny>", "</RequireAny>\n</RequireAll>"),
        "in Files": written.inside('<Files "*">', "</Files>"),
        "in If": written.inside('<If "true">', "</If>"),
        "one a line, nested by 100": written.nested,
        "not Require not ip": written.not_ip,
        "apache22: Allow from": written.apache22,
        "Allow from, one a line": lambda list_: written.apache22(list_, 1),
        "Require expr -R": written.expr_R,
    }
    textual: dict[str, Form] = {
        "Require expr in { }": written.expr_in,
        "Require expr -strmatch": written.expr_strmatch,
        "Require expr =~": written.expr_regex,
        "Require expr =~, as a trie": written.expr_trie,
        "SetEnvIf, Require env": written.setenvif_regex,
    }
    for kind, count in selected(arguments, ["scattered", "clustered"], [100, 1000, 5000]):
        compare(arguments, kind, count, forms | (textual if kind == "scattered" else {}))


def texts(arguments: argparse.Namespace) -> None:
    forms: dict[str, Form] = {"apache24": written.apache24, "quoted": written.quoted, "/32, /128": written.with_prefix}
    ipv4: dict[str, Form] = {"netmasks": written.netmask, "partial: 192.0.2": written.partial}
    ipv6: dict[str, Form] = {"all zeros written": written.exploded, "in capitals": written.upper}
    for kind, count in selected(arguments, ["scattered", "net8", "net16", "net20", "net24", "ipv6"], [5000]):
        compare(arguments, kind, count, forms | (ipv6 if kind == "ipv6" else ipv4))


def order(arguments: argparse.Namespace) -> None:
    for kind, count in selected(arguments, ["clustered"], [5000, 50000]):
        list_ = KINDS[kind](count)
        first, middle, _, last = list_.listed
        clients = {"the first listed": first, "one in the middle": middle, "the last": last}
        clients["not listed"] = list_.unlisted[0]
        with Httpd() as httpd:
            targets = []
            orders = {"sorted": written.apache24, "backwards": written.backwards, "widest first": written.widest_first}
            for name, form in orders.items():
                folder = name.split()[0]
                lay(httpd, folder, form(list_), list_)
                for who, client in clients.items():
                    base = "denied" if who == "not listed" else "granted"
                    targets.append(Target(f"{name}, {who}", folder, client, len(list_.networks), base))
            targets = measure(httpd, targets, arguments.rounds, arguments.seconds)
        show(f"{count:,} addresses, {kind}: {len(list_.networks):,} networks", targets)


def lists(arguments: argparse.Namespace) -> None:
    """Measures networks of 256 addresses that each contain denied addresses, written as one list and as two."""
    for networks, kept, denied in ((1, 0, 1), (1, 10, 1), (10, 0, 1), (50, 0, 1), (50, 0, 4), (50, 0, 16)):
        allow, deny, left = holes(networks, kept, denied)
        forms = {"two lists": written.two_lists(allow.networks, deny), "one list": written.apache24(left)}
        with Httpd() as httpd:
            targets = []
            for (name, text), count in zip(forms.items(), (len(allow.networks) + len(deny), len(left.networks))):
                folder = name.split()[0]
                lay(httpd, folder, text, left)
                name = f"{name}, {count} networks"
                targets.append(Target(f"{name}, who is let in", folder, left.last, count, "granted"))
                targets.append(Target(f"{name}, who is not listed", folder, left.unlisted[0], count))
            targets = measure(httpd, targets, arguments.rounds, arguments.seconds)
        show(f"{networks} times a /24 without {denied} of its addresses, {kept} single addresses", targets[2:])


def place(arguments: argparse.Namespace) -> None:
    """Measures the same text in a `.htaccess` file and in the server's configuration."""
    for kind, count in selected(arguments, ["scattered"], [100, 500, 1000, 5000, 50000]):
        list_ = KINDS[kind](count)
        text = written.apache24(list_)
        with Httpd(sections={"included": text, "bare": "Require all denied\n"}) as httpd:
            lay(httpd, "htaccess", text, list_)
            ask(httpd, "included", list_)
            networks = len(list_.networks)
            folders = {"bare": 0, "htaccess": networks, "included": networks}
            targets = [Target(name, name, list_.unlisted[0], many) for name, many in folders.items()]
            targets = measure(httpd, targets, arguments.rounds, arguments.seconds)
        show(f"{count:,} addresses, {kind}: {networks:,} networks, {len(text):,} bytes", targets)


def fit(arguments: argparse.Namespace) -> None:
    """Measures nanoseconds per network for each kind of network, and per byte, with a form that contains comments."""
    for kind, count in selected(arguments, ["scattered", "net8", "net16", "net20", "net24", "ipv6", "net6"], [2000]):
        list_ = KINDS[kind](count)
        text = written.apache24(list_)
        with Httpd() as httpd:
            lay(httpd, "plain", text, list_)
            lay(httpd, "comments", written.commented(list_), list_)
            targets = [Target(name, name, list_.unlisted[0], len(list_.networks)) for name in ("plain", "comments")]
            targets = measure(httpd, targets, arguments.rounds, arguments.seconds)
        show(f"{kind}: {len(list_.networks):,} networks, {len(text):,} bytes", targets)


def selected(arguments: argparse.Namespace, kinds: list[str], sizes: list[int]) -> Iterable[tuple[str, int]]:
    for size in arguments.sizes or sizes:
        for kind in arguments.kinds or kinds:
            yield kind, size


def main() -> None:
    known = {
        "lines": lines, "containers": containers, "texts": texts, "order": order,
        "lists": lists, "place": place, "fit": fit,
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", choices=known)
    parser.add_argument("--sizes", type=int, nargs="+", help="how many addresses")
    parser.add_argument("--kinds", choices=KINDS, nargs="+", help="which lists")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.3, help="of one form in a round")
    arguments = parser.parse_args()
    known[arguments.experiment](arguments)


if __name__ == "__main__":
    sys.exit(main())

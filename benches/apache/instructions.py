"""Measures the cost of the ways to write a `.htaccess` in processor instructions of a real Apache.

    python3 benches/apache/instructions.py [--kind scattered] [--size 1000] [--functions FORM]

Apache runs under valgrind's callgrind, 30 to 50 times slower, and answers a few requests of listed and unlisted
clients. Times on a shared machine differ by tens of per cent from run to run. These counts do not, so they decide
between forms with similar times, and `--functions` shows the functions in which a form spends them. Needs apache2-bin
and valgrind.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import written
from httpd import Httpd
from lists import KINDS, AddressList

BASE = "Require all denied\n"

FORMS: dict[str, Callable[[AddressList], str]] = {
    "apache24": written.apache24,
    "10 on a line": written.per_line(10),
    "100 on a line": written.per_line(100),
    "lines of 4,000 bytes": written.line_bytes(4000),
    "lines of 8,170 bytes": written.line_bytes(8170),
    "in RequireAny": written.inside("<RequireAny>", "</RequireAny>"),
    "in RequireAll, RequireAny": written.inside("<RequireAll>\n<RequireAny>", "</RequireAny>\n</RequireAll>"),
    "in If": written.inside('<If "true">', "</If>"),
    "in Files": written.inside('<Files "*">', "</Files>"),
    "backwards": written.backwards,
    "quoted": written.quoted,
    "/32, /128": written.with_prefix,
    "as many bytes of comments": written.commented,
    "partial: 192.0.2": written.partial,
    "netmasks": written.netmask,
    "in capitals": written.upper,
    "all zeros written": written.exploded,
    "Require not ip, twice denied": written.not_ip,
    "Allow from": written.apache22,
    "Require expr -R": written.expr_R,
    "Require expr in { }": written.expr_in,
    "Require expr -strmatch": written.expr_strmatch,
    "Require expr =~": written.expr_regex,
    "Require expr =~, as a trie": written.expr_trie,
    "SetEnvIf, Require env": written.setenvif_regex,
}
OF_IPV4 = ("partial", "netmasks", "Require expr in", "Require expr -s", "Require expr =~", "SetEnvIf")
OF_SINGLES = ("Require expr in", "Require expr -s", "Require expr =~", "SetEnvIf")
OF_IPV6 = ("in capitals", "all zeros")


class Counted(Httpd):
    """An httpd under callgrind, which counts the instructions from the directory walk to the access decision."""

    def command(self) -> list[str]:
        counted = ["--collect-atstart=no", "--toggle-collect=ap_process_request_internal", "--vgdb=no"]
        out = f"--callgrind-out-file={self.root}/run/callgrind.out"
        return ["valgrind", "-q", "--tool=callgrind", *counted, out, *super().command(), "-X"]


def count(htaccess: str, list_: AddressList) -> tuple[int, dict[str, int]]:
    """Returns the instructions per request, in total and by function. The requests also check the form's answers."""
    asked = list_.listed + list_.unlisted
    expected = [200] * len(list_.listed) + [403] * len(list_.unlisted)
    with Counted() as httpd:
        # If root starts the server, its child writes the file as another user.
        for path in [httpd.root / "run", *(httpd.root / "run").glob("callgrind.*")]:
            path.chmod(0o777)
        httpd.put("form", htaccess)
        answers = httpd.status("form", asked)
        if answers != expected and htaccess != BASE:
            raise SystemExit(f"wrong answers {answers}\n{httpd.errors()}\n{htaccess[:300]}")
        httpd.process.terminate()
        httpd.process.wait(timeout=60)
        out = subprocess.run(
            ["callgrind_annotate", "--threshold=100", f"{httpd.root}/run/callgrind.out"],
            capture_output=True, text=True, check=True,
        ).stdout
    functions: dict[str, int] = {}
    for used, name, library in re.findall(r"^\s*([\d,]+) \([ \d.]+%\)\s+\S*?:(\S+) \[(\S+)\]$", out, re.MULTILINE):
        name = f"{name} ({Path(library).name})"
        functions[name] = functions.get(name, 0) + int(used.replace(",", "")) // len(asked)
    total = re.search(r"^\s*([\d,]+) \(100", out, re.MULTILINE)
    if not total:
        raise SystemExit(f"callgrind_annotate: {out[:500]}")
    return int(total[1].replace(",", "")) // len(asked), functions


def fits(name: str, kind: str) -> bool:
    if kind == "ipv6":
        return not name.startswith(OF_IPV4)
    return not name.startswith(OF_IPV6) and (kind == "scattered" or not name.startswith(OF_SINGLES))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=KINDS, default="scattered")
    parser.add_argument("--size", type=int, default=1000)
    parser.add_argument("--functions", choices=FORMS, help="show where this form spends them")
    arguments = parser.parse_args()
    list_ = KINDS[arguments.kind](arguments.size)
    networks = len(list_.networks)
    base, _ = count(BASE, list_)
    if not arguments.functions:
        print(f"{arguments.size:,} addresses, {arguments.kind}: {networks:,} networks; Require all denied: {base:,}\n")
        print("| form | instructions, over | a network | to apache24 |\n|---|---|---|---|")
    reference = 0
    for name, form in FORMS.items():
        if not fits(name, arguments.kind) or arguments.functions not in (None, name):
            continue
        total, functions = count(form(list_), list_)
        over = total - base
        reference = reference or over
        if arguments.functions:
            for function, used in sorted(functions.items(), key=lambda item: -item[1])[:16]:
                print(f"{used / networks:8.1f} a network  {function}")
        else:
            print(f"| {name} | {over:,} | {over / networks:,.0f} | {over / reference:.2f} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""Uploads for the tests, and the pages that `htaccess` and the function make from them."""

import json
import os
import random
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterable

HEADER = "IP Address,Rule,Comment\n"

# Cells that set `window.ran`, load a URL or move the text next to them if the page does not escape them.
HOSTILE = (
    "<script>window.ran=1</script>",
    "\"'><img src=https://example.invalid/x onerror=\"window.ran=1\">",
    "</script><script>window.ran=1</script>",
    "</title></style><svg onload=window.ran=1>",
    "<iframe srcdoc='<script>parent.ran=1</script>'>",
    "<link rel=stylesheet href=https://example.invalid/x.css><style>*{display:none}</style>",
    "<base href=https://example.invalid/><meta http-equiv=refresh content=0;url=https://example.invalid>",
    "&lt;script&gt;window.ran=1&lt;/script&gt;&#x3c;b&#x3e;",
    "javascript:window.ran=1",
    "{{ 7 * 7 }}{% raw %}{# x #}",
    "\u202e4.3.2.1",
    "1.2.3.4\u200f\u2066\u2067\u2069",
    "\u05e9\u05dc\u05d5\u05dd 1.2.3.4",
    "x" * 2000,
)


@dataclass(frozen=True)
class Page:
    """A page, and the answer that was printed with it."""

    path: Path
    answer: dict[str, Any]

    @property
    def url(self) -> str:
        """Returns the URL of the page on disk, as a user opens it."""
        return self.path.as_uri()


class Pages:
    """Creates pages in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self, name: str, csv: str | bytes, *options: str) -> Page:
        """Runs `htaccess render --report` on a CSV, or `htaccess check --report` if the options contain `check`."""
        upload = self.folder / f"{name}.csv"
        upload.write_bytes(csv if isinstance(csv, bytes) else csv.encode())
        report = self.folder / f"{name}.html"
        command = [os.environ["HTACCESS"]]
        if "check" in options:
            command += ["check", upload.name]
        else:
            command += ["render", upload.name, "--output", "out"]
        options = tuple(option for option in options if option != "check")
        command += ["--json", "--report", report.name, *options]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):
            raise RuntimeError(done.stderr)
        return Page(report, json.loads(done.stdout)[0])

    def all(self) -> dict[str, Page]:
        """Returns a page of each kind."""
        return {
            "acme": self.make("acme", ACME),
            "mixed": self.make("mixed", mixed()),
            "blocklist": self.make("blocklist", blocklist(), "check"),
            "hostile": self.make("hostile", hostile()),
            "nobody": self.make("nobody", HEADER + "192.0.2.1,Deny,\n"),
            "everybody": self.make("everybody", HEADER + "all,Allow,\n"),
            "ipv6": self.make("ipv6", HEADER + "2001:db8::/32,Allow,\n2001:db8:7::/48,Deny,\n"),
            "refused": self.make("refused", "Site,Owner\nacme,Ada\n"),
            "strict": self.make("strict", ACME, "--strict", "check"),
            "nginx": self.make_nginx(),
            "workbook": self.make("workbook", WORKBOOK.read_bytes()),
            "header": self.make("header", "Allowed addresses of acme\n\n192.0.2.1,Allow,Reception\n192.0.2.7,Allow,<b>\n"),
            "one": self.make("one", HEADER + "203.0.113.7,Allow,Reception\n"),
            "usual": self.make("usual", usual()),
            "one-fix": self.make("one-fix", one_fix()),
            "open-deny": self.make("open-deny", OPEN_DENY, "--strict=none"),
            "most-rejected": self.make("most-rejected", most_rejected()),
            "dates": self.make("dates", DATES, "--at", "2026-11-26 12:00"),
            "lists": self.make_lists(),
            "scattered": self.make("scattered", scattered()),
            "holes": self.make("holes", holes()),
            "families": self.make("families", HEADER + rows(["0.0.0.0/0", "::/0"], "Allow") + "192.0.2.1,Deny,\n"),
            **self.make_published(),
        }

    def make_published(self) -> dict[str, Page]:
        """Returns pages of the function, which compare an upload with the published version."""
        folder = self.folder / "function"
        folder.mkdir(exist_ok=True)
        subprocess.run([os.environ["FUNCTION_PAGES"], folder], check=True)
        return {page.stem: Page(page, json.loads(page.with_suffix(".json").read_text())) for page in folder.glob("*.html")}

    def make_lists(self) -> Page:
        """Returns a page for rows that use lists, one of which does not exist."""
        lists = self.folder / "lists"
        lists.mkdir(exist_ok=True)
        lists.joinpath("office.csv").write_text("IP Address\n192.0.2.0/28\n198.51.100.7\n2001:db8::/48\n", encoding="utf-8")
        csv = HEADER + "@office,Allow,Offices\n203.0.113.9,Allow,Ada at home\n@nobody,Allow,\n"
        return self.make("lists", csv, "--lists", "lists")

    def make_nginx(self) -> Page:
        """Returns a page for an nginx output, which has no cost for Apache."""
        return self.make("nginx", ACME, "--template", "nginx")


ACME = HEADER + "192.168.1.10,Allow,office\n172.100.2.0/24,Allow,\n2.2.2,Allow,\n172.100.2.77,Deny,scanner\n"


WORKBOOK = Path(__file__).resolve().parents[2] / "spreadsheets" / "libreoffice-xlsx" / "rules.xlsx"
OPEN_DENY = HEADER + "all,Allow,\n203.0.113.7/24,Deny,attacker\n198.51.100.9,Block,scanner\n203.0.113.5,Deny,\n"
DATES = (
    "IP Address,Rule,Comment,Starts,Expires\n"
    "192.0.2.1,Allow,Reception,,\n"
    "192.0.2.2,Allow,Contractor,,2026-12-04\n"
    "192.0.2.3,Allow,\"Auditors, in spring\",2027-03-01,2027-03-31\n"
    "192.0.2.4,Allow,Intern,,2026-08-31\n"
    "192.0.2.5,Allow,New office,2026-12-01,\n"
)


def usual() -> str:
    """Returns a typical CSV."""
    names = ("Reception", "Office Lyon", "Ada at home", "VPN", "Monitoring")
    allowed = "".join(f"203.0.113.{index * 9 + 1},Allow,{names[index % 5]}\n" for index in range(18))
    return HEADER + allowed + "198.51.100.0/24,Allow,Office Berlin\n198.51.100.66,Deny,Guest terminal\n"


def one_fix() -> str:
    """Returns a CSV with rejected rows, for some of which the page suggests a correction."""
    wrong = "10.0.0.5/24,Allow,Printer\n192.0.2.9-192.0.2.1,Allow,\n192.0.2.20,Alow,Ada\n\"192.0.2.30 \",Yes,\"Lyon, 2nd floor\"\n"
    return usual() + wrong + "192.0.2,Allow,VPN\n,Allow,nobody\n"


def most_rejected() -> str:
    """Returns a CSV of 180 rows, of which 160 are rejected."""
    return usual() + "".join(f"host{index}.example.com,Allow,Server {index}\n" for index in range(160))


def scattered() -> str:
    """Returns 5,000 single addresses in at most 36 of the 256 /8 blocks."""
    chosen = random.Random(5)
    octets = [chosen.randrange(1, 224) for _ in range(36)]
    parts = lambda: ".".join(str(chosen.randrange(256)) for _ in range(3))  # noqa: E731
    return HEADER + rows((f"{chosen.choice(octets)}.{parts()}" for _ in range(5000)), "Allow")


def rows(addresses: Iterable[str], rule: str) -> str:
    """Returns a row for each address."""
    return "".join(f"{address},{rule},\n" for address in addresses)


def mixed() -> str:
    """Returns typical hosts and networks, with a /8 and a /6 by mistake, that cause every warning."""
    chosen = random.Random(8)
    octets = (*range(77, 96), 5, 46, 62, 109, 176, 178, 185, 193, 194, 195, 212, 213, 217)
    networks = [f"{chosen.choice(octets)}.{chosen.randrange(256)}.{chosen.randrange(256)}.0/24" for _ in range(300)]
    hosts = [f"{net}.{chosen.randrange(256)}" for net in ("203.0.113", "198.51.100", "185.12.4") for _ in range(40)]
    wrong = ["10.0.0.0/8", "64.0.0.0/6", "185.12.0.0/16"]
    ipv6 = ["2001:db8::/32", "2a02:26f0::/29"]
    denied = ["10.1.2.0/24", "185.12.4.0/24", "2001:db8:7::/48"]
    rejected = ["10.0.0.5/24", "10.0.0.9-10.0.0.1", "2.2.2"]
    return HEADER + rows(networks + hosts + wrong + ipv6, "Allow") + rows(denied, "Deny") + rows(rejected, "Allow")


def slip() -> str:
    """Returns a typical list in which one prefix length lost its second digit: 10.0.0.0/8 instead of 10.0.0.0/28."""
    chosen = random.Random(4)
    octets = (*range(77, 94), 185, 193, 194, 195, 212, 213)
    networks = [f"{chosen.choice(octets)}.{chosen.randrange(256)}.{chosen.randrange(256)}.0/24" for _ in range(120)]
    allowed = rows([*networks, "10.0.0.0/8", "203.0.113.0/26"], "Allow")
    return HEADER + allowed + "203.0.113.7,Deny,scanner\n10.0.0.5/24,Allow,\n2.2.2,Allow,\n"


def holes() -> str:
    """Returns a /8 that contains single denied hosts."""
    return HEADER + "45.0.0.0/8,Allow,\n" + rows([f"45.{index}.0.1" for index in range(256)], "Deny")


def blocklist() -> str:
    """Returns a CSV that allows everybody except some addresses."""
    chosen = random.Random(9)
    hosts = [".".join(str(chosen.randrange(1, 224)) for _ in range(4)) for _ in range(500)]
    return HEADER + "all,Allow,\n" + rows([*hosts, "120.0.0.0/8"], "Deny")


def hostile() -> str:
    """Returns a CSV whose cells attack the reader of the page."""
    cells = ['"' + cell.replace('"', '""') + '"' for cell in HOSTILE]
    return HEADER + rows(cells, "Allow") + "192.0.2.1,Allow,\n" + "".join(f"192.0.2.2,{cell},\n" for cell in cells)

"""Tests the overview of all sites in a real Chromium, as users, screen readers and attackers see it."""

import json
import os
import subprocess
import tempfile
import unittest
import urllib.parse
from pathlib import Path
from typing import Any, ClassVar

import pages
from browser import PHONE, SMALL_PHONE, Browser

DESKTOP = 1280
PAGE_BYTES_MAX = 300_000
STATES = ("in-force", "refused", "held", "never-published", "orphan", "failed", "not-checked")


def site(source: str, state: str = "in-force", **facts: Any) -> dict[str, Any]:
    """Returns one site with a value for every number."""
    numbers = {"rows": 9, "rejected": 2, "networks": 7, "bytes": 321, "request_microseconds": 1500, "next_change": 86_400}
    numbers |= {"last_change": {"at": -86_400, "gained": 12, "lost": 3}}
    named = {"source": source, "output": f"{source}/.htaccess", "state": state, "status": "unchanged", "code": "no-rules"}
    return named | numbers | facts


def fleet() -> list[dict[str, Any]]:
    """Returns 10,000 sites, most of them published, and 150 lists."""
    sites = [
        site(
            f"clients/customer-{index:05}/www.example.com.csv",
            STATES[index // 10 % len(STATES)] if index % 10 == 0 else "in-force",
            lists=[f"team-{index % 150:03}"],
        )
        for index in range(10_000)
    ]
    return sites + [site(f"lists/team-{index:03}.csv", kind="list", rejected=0, next_change=None) for index in range(150)]


def hostile() -> list[dict[str, Any]]:
    """Returns keys that attack the reader of the page, for every table."""
    keys = [*pages.HOSTILE, "javascript:window.ran=1.csv", 'a" onclick="window.ran=1.csv', "x" * 255 + "/" + "y" * 250]
    sites = [site(key, state, code=key, lists=keys) for key in keys for state in STATES]
    return sites + [site(f"lists/{key}.csv", kind="list") for key in keys] + [site(keys[0], kind="common", lists=keys)]


class Overview(unittest.TestCase):
    """One browser and three pages for all tests."""

    browser: ClassVar[Browser]
    paths: ClassVar[dict[str, Path]]

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.paths = {}
        for name, sites in {"empty": [], "fleet": fleet(), "hostile": hostile()}.items():
            lines = "".join(json.dumps(site) + "\n" for site in sites)
            made = subprocess.run([os.environ["OVERVIEW_PAGE"]], input=lines.encode(), capture_output=True, check=True)
            cls.paths[name] = Path(folder.name, f"{name}.html")
            cls.paths[name].write_bytes(made.stdout)
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    def test_axe_finds_nothing_in_light_and_dark_on_a_desktop_and_a_phone(self) -> None:
        for name, path in self.paths.items():
            for scheme in ("light", "dark"):
                for width in (DESKTOP, PHONE):
                    with self.subTest(page=name, scheme=scheme, width=width):
                        self.browser.open(path.as_uri(), scheme=scheme, width=width)
                        self.assertEqual(self.browser.violations(), [])

    def test_no_page_scrolls_sideways(self) -> None:
        for name, path in self.paths.items():
            for width in (DESKTOP, PHONE, SMALL_PHONE):
                with self.subTest(page=name, width=width):
                    self.browser.open(path.as_uri(), width=width)
                    self.assertEqual(self.browser.run("document.documentElement.scrollWidth"), width)

    def test_ten_thousand_sites_fit_into_300_kilobytes(self) -> None:
        for name, path in self.paths.items():
            with self.subTest(page=name):
                self.assertLess(path.stat().st_size, PAGE_BYTES_MAX)
        self.browser.open(self.paths["fleet"].as_uri())
        rows = self.browser.run("[...document.querySelectorAll('table')].map(table => table.tBodies[0].rows.length)")
        self.assertEqual(rows, [100] * 8)
        text = self.browser.run("document.body.innerText")
        for words in ("10,000", "Published", "And 9,900 more: see sites.csv.", "@team-000",
                      "857 sites need attention", "2 January 1970, 00:00 UTC", "1.5 ms"):
            self.assertIn(words, text)

    def test_headings_and_tables_have_names(self) -> None:
        self.browser.open(self.paths["fleet"].as_uri())
        headings = [name for name, _ in self.browser.accessible("heading")]
        self.assertEqual(headings[:3], ["All sites", "Sites by state", "Totals"])
        self.assertEqual(len(headings), 11)
        self.assertIn("clients/customer-00010/www.example.com.csv", [name for name, _ in self.browser.accessible("rowheader")])

    def test_nothing_in_a_key_runs_or_loads_anything(self) -> None:
        for name, path in self.paths.items():
            with self.subTest(page=name):
                self.browser.open(path.as_uri())
                self.assertEqual(self.browser.console(), [])
                self.assertEqual(self.browser.requests(), [path.as_uri()])
                self.assertFalse(self.browser.run("'ran' in window"))
                elements = self.browser.run("['img','iframe','base','form','object','embed','script','link']"
                                            ".filter(name => document.querySelector(name))")
                self.assertEqual(elements, [])
                attributes = self.browser.run("[...new Set([...document.querySelectorAll('body *')]"
                                              ".flatMap(element => [...element.attributes].map(each => each.name)))].sort()")
                self.assertLessEqual(set(attributes), {"aria-labelledby", "class", "href", "id", "scope"})

    def test_links_lead_to_reports_next_to_the_page(self) -> None:
        path = self.paths["hostile"]
        self.browser.open(path.as_uri())
        folder = path.parent.as_uri() + "/"
        links = self.browser.run("[...document.querySelectorAll('a')].map(link => link.href)")
        self.assertGreater(len(links), 50)
        names = {urllib.parse.unquote(link.removeprefix(folder)) for link in links if link.startswith(folder)}
        self.assertEqual([link for link in links if not link.startswith(folder)], [])
        self.assertIn("javascript:window.ran=1.csv.html", names)
        self.assertIn('a" onclick="window.ran=1.csv.html', names)
        self.assertIn("<script>window.ran=1</script>.html", names)

    def test_the_policy_is_strict(self) -> None:
        self.browser.open(self.paths["fleet"].as_uri())
        policy = self.browser.run("document.querySelector('meta[http-equiv=Content-Security-Policy]').content")
        self.assertRegex(
            policy, r"^default-src 'none'; style-src 'sha256-[\w+/]{43}='; base-uri 'none'; form-action 'none'$"
        )


if __name__ == "__main__":
    unittest.main()

"""Tests the report page in a real Chromium, as users, screen readers and attackers see it."""

import json
import tempfile
import unittest
from pathlib import Path
from typing import ClassVar

from PIL import Image

import pages
from browser import PAPER, PHONE, SMALL_PHONE, WIDE, Browser
from pages import Page, Pages

# The limit in `tests/it/library/report_page.rs`, which is already more than a phone handles well.
PAGE_BYTES_MAX = 400_000


class WithBrowser(unittest.TestCase):
    """One browser and one set of pages for all tests of a class."""

    browser: ClassVar[Browser]
    folder: ClassVar[tempfile.TemporaryDirectory[str]]
    pages: ClassVar[dict[str, Page]]

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.pages = Pages(Path(cls.folder.name)).all()
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)


class Accessible(WithBrowser):
    """axe reports no problems, and a screen reader gets the right texts."""

    def test_axe_finds_nothing_in_light_and_dark_on_a_desktop_and_a_phone(self) -> None:
        for name, page in self.pages.items():
            for scheme in ("light", "dark"):
                for width in (WIDE, PHONE):
                    with self.subTest(page=name, scheme=scheme, width=width):
                        self.browser.open(page.url, scheme=scheme, width=width)
                        self.assertEqual(self.browser.violations(), [])

    def test_axe_would_find_something(self) -> None:
        self.browser.open(self.pages["acme"].url)
        self.browser.driver.execute_script("document.documentElement.lang = ''")
        self.assertIn("html-has-lang", " ".join(self.browser.violations()))

    def test_light_and_dark_differ(self) -> None:
        grounds = []
        for scheme in ("light", "dark"):
            self.browser.open(self.pages["acme"].url, scheme=scheme)
            grounds.append(sum(self.browser.screenshot().getpixel((2, 2))))
        light, dark = grounds
        self.assertGreater(light, 600)
        self.assertLess(dark, 150)

    def test_pictures_have_descriptions_and_tables(self) -> None:
        self.browser.open(self.pages["mixed"].url)
        pictures = self.browser.accessible("image")
        names = [name for name, _ in pictures]
        self.assertIn("All IPv4 addresses", names[0])
        self.assertIn("10.0.0.0/8: 16,776,960 addresses allowed, 256 addresses denied", " ".join(pictures[0]))
        rows = [name for name, _ in self.browser.accessible("rowheader")]
        for block in ("10.0.0.0/8", "64.0.0.0/8", "67.0.0.0/8"):
            self.assertIn(block, rows)
        headings = [name for name, _ in self.browser.accessible("heading")]
        self.assertEqual(headings[0], "mixed.csv")
        self.assertEqual(
            headings[1:],
            [
                "Rejected rows 3",
                "Warnings",
                "Who gets in",
                "Map of all IPv4 addresses",
                "Close-ups",
                "For administrators",
                "Networks by size",
            ],
        )


class Readable(WithBrowser):
    """The page is readable on a phone and without scripts, and shows what happened."""

    def test_no_page_scrolls_sideways(self) -> None:
        for name, page in self.pages.items():
            for width in (WIDE, PHONE, SMALL_PHONE):
                with self.subTest(page=name, width=width):
                    self.browser.open(page.url, width=width)
                    self.assertEqual(self.browser.run("document.documentElement.scrollWidth"), width)

    def test_a_printed_page_fits_on_the_paper_and_shows_its_date(self) -> None:
        for name, page in self.pages.items():
            with self.subTest(page=name):
                self.browser.open(page.url, media="print", width=PAPER)
                self.assertEqual(self.browser.run("document.documentElement.scrollWidth"), PAPER)
                columns = "[...document.querySelectorAll('.figures')].map(one => getComputedStyle(one).gridTemplateColumns.split(' ').length)"
                self.assertLessEqual(set(self.browser.run(columns)), {3})
                self.assertRegex(self.browser.run("document.body.innerText"), r"As of [0-9]+ [A-Z][a-z]+ [0-9]{4}, [0-9]{2}:[0-9]{2} ")

    def test_no_scripts_are_needed(self) -> None:
        page = self.pages["mixed"].url
        self.browser.open(page)
        with_scripts = self.browser.screenshot()
        self.browser.open(page, scripts=False)
        without = self.browser.screenshot()
        self.browser.open("about:blank")
        self.assertEqual(with_scripts.size, without.size)
        self.assertEqual(with_scripts.tobytes(), without.tobytes())

    def text(self, name: str) -> str:
        self.browser.open(self.pages[name].url)
        return self.browser.run("document.body.innerText")

    def test_the_page_says_what_happened(self) -> None:
        acme = self.text("acme")
        for words in (
            "Published, 1 row rejected",
            "Only 172.100.2.0/24 and 192.168.1.10 get in, except 172.100.2.77.",
            '"2.2.2" is not an IP address: expected 4 octets, found 3',
            "The file has 4 rows. 3 are accepted, 1 is rejected.",
            "2.2.2,Allow,",
            "scanner",
            "256",
        ):
            self.assertIn(words, acme)
        self.assertNotIn("Map of all", acme)
        self.assertNotIn("Apache", acme)
        refused = self.text("refused")
        self.assertIn("Refused", refused)
        self.assertIn("The previous file, if there is one, stays in place. The code is missing-column: ", refused)
        self.assertIn("IP Address,Rule,Comment", refused)
        self.assertIn("Site,Owner\nacme,Ada", refused)
        self.assertNotIn("gets in", refused)
        strict = self.text("strict")
        self.assertIn("Checked: would be refused", strict)
        self.assertIn("Without the rejected rows:", strict)
        self.assertIn("Only 172.100.2.0/24 and 192.168.1.10 get in, except 172.100.2.77.", strict)
        self.assertIn("Nobody gets in.", self.text("nobody"))
        self.assertIn("add the row all,Allow", self.text("nobody"))
        self.assertIn("Everybody gets in.", self.text("everybody"))
        self.assertIn("no rule: gets in", self.text("blocklist"))
        self.assertIn("2001:db8:7::/48", self.text("ipv6"))
        self.assertNotIn("Apache", self.text("nginx"))
        holes = self.text("holes")
        self.assertIn("Only 45.0.0.0/8 gets in, except these 256 networks inside it.", holes)
        self.assertIn("almost all", holes)
        self.assertNotIn("all of it", holes)
        families = self.text("families")
        self.assertIn("Everybody gets in, except 192.0.2.1.", families)
        self.assertIn("4,294,967,295 IPv4 addresses and all of IPv6.", families)

    def test_a_page_of_the_function_says_what_changed_and_what_can_be_done(self) -> None:
        self.assertIn("This is the first version.", self.text("first"))
        changed = self.text("changed")
        for words in (
            "3 networks (384 addresses) gain access: 10.0.20.0/25, 10.0.21.0/25, 10.0.22.0/25",
            "2 networks (256 addresses) lose access: 10.0.0.0/25, 10.0.1.0/25",
            "by AWS:AIDAEXAMPLE:<script>window.ran=1</script>ada@example.com from 203.0.113.7",
            "To undo it: aws s3api copy-object --bucket uploads --key clients/acme.csv",
        ):
            self.assertIn(words, changed)
        held = self.text("held")
        code = self.pages["held"].answer["approval"]
        for words in (
            "and 47 more",
            "stays in place until somebody approves the change",
            f"To approve the change: printf %s {code} | aws s3 cp - s3://uploads/approvals/clients/acme.csv",
            "To drop the change: aws s3api copy-object",
        ):
            self.assertIn(words, held)
        self.assertIn("now contains a different code", self.text("held-other-code"))
        self.assertIn("This change would be held", self.text("preview-held"))
        self.assertNotIn("To approve", self.text("preview-held"))

    def test_the_badge_is_as_urgent_as_the_page(self) -> None:
        for name, tone, words in (
            ("usual", "good", "Published"),
            ("one", "good", "Published"),
            ("ipv6", "good", "Published"),
            ("scattered", "good", "Published"),
            ("blocklist", "good", "Checked: can be published"),
            ("dates", "good", "Published"),
            ("one-fix", "warn", "Published, 6 rows rejected"),
            ("lists", "warn", "Published, 1 row rejected"),
            ("most-rejected", "warn", "Published, 160 rows rejected"),
            ("everybody", "warn", "Published, everybody gets in"),
            ("nobody", "warn", "Published, nobody gets in"),
            ("open-deny", "bad", "Published, 2 rows rejected, somebody may get in who should not"),
            ("workbook", "bad", "Refused"),
            ("header", "bad", "Refused"),
            ("first", "good", "Published"),
            ("changed", "good", "Published"),
            ("held", "warn", "Held"),
            ("preview", "good", "Preview: would be published"),
            ("preview-held", "warn", "Preview: would be held"),
            ("preview-refused", "bad", "Preview: would be refused"),
        ):
            with self.subTest(page=name):
                self.browser.open(self.pages[name].url)
                badge = self.browser.run("[document.querySelector('header').className, document.querySelector('.status').innerText]")
                self.assertEqual(badge, [tone, words])

    def test_rejected_rows_are_whole_and_show_what_to_write(self) -> None:
        self.browser.open(self.pages["one-fix"].url)
        rejected = self.browser.run(
            "[...document.querySelectorAll('.rejected li')].map(row => [row.querySelector('.cell').textContent,"
            " ...[...row.querySelectorAll('.row code')].map(code => code.textContent)])"
        )
        self.assertEqual(rejected[0][:2], ["10.0.0.5/24", "10.0.0.5/24,Allow,Printer"])
        self.assertEqual(rejected[2], ["Alow", "192.0.2.20,Alow,Ada", "192.0.2.20,Allow,Ada"])
        self.assertEqual(rejected[3][:2], ["Yes", '"192.0.2.30 ",Yes,"Lyon, 2nd floor"'])
        self.assertEqual(rejected[5], ["", ",Allow,nobody"])
        lines = self.browser.run("[...document.querySelectorAll('.cell')].map(cell => getComputedStyle(cell).textDecorationLine)")
        self.assertEqual(set(lines), {"underline"})

    def test_a_phone_stacks_the_row_above_its_reason(self) -> None:
        self.browser.open(self.pages["one-fix"].url, width=PHONE)
        boxes = self.browser.run(
            "[...document.querySelectorAll('.rejected li:first-child .line, .rejected li:first-child .row code,"
            " .rejected li:first-child p:not(.row)')].map(part => part.getBoundingClientRect()).map(box => [box.left, box.top])"
        )
        self.assertEqual(len({round(left) for left, _ in boxes}), 1)
        self.assertEqual([top for _, top in boxes], sorted(top for _, top in boxes))

    def test_the_rows_that_decide_are_listed(self) -> None:
        usual = self.text("usual")
        for words in ("Office Berlin", "198.51.100.0/24", "Guest terminal", "Only these"):
            self.assertIn(words, usual)
        self.assertIn("And 4,950 more rows, which are not listed.", self.text("scattered"))
        dates = self.text("dates")
        for words in (
            "As of 26 November 2026, 12:00 UTC",
            "until the end of 4 December 2026 UTC",
            "not active yet: from 1 March 2027, 00:00 UTC until the end of 31 March 2027 UTC",
            "no longer active: ended at the end of 31 August 2026 UTC",
            "What changes next",
            "All rows are accepted (2 not started, 1 ended).",
        ):
            self.assertIn(words, dates)
        lists = self.text("lists")
        self.assertIn("3 members", lists)
        self.assertIn("@nobody,Allow,", lists)

    def test_a_refused_file_says_what_to_do(self) -> None:
        workbook = self.text("workbook")
        self.assertIn("choose File, Save As, and the type", workbook)
        self.assertNotIn("How your file starts", workbook)
        header = self.text("header")
        for words in ("A sample to copy", "IP Address,Rule,Comment", "How your file starts", "192.0.2.7,Allow,<b>"):
            self.assertIn(words, header)

    def test_a_map_is_shown_only_where_it_helps(self) -> None:
        shown = lambda name: (self.browser.open(self.pages[name].url), self.browser.run("document.querySelectorAll('.map > figure > svg').length"))[1]  # noqa: E731
        expected = {"usual": 1, "scattered": 1, "mixed": 1, "one": 0, "ipv6": 0, "everybody": 0, "nobody": 0, "acme": 0}
        self.assertEqual({name: shown(name) for name in expected}, expected)
        self.browser.open(self.pages["scattered"].url)
        self.assertEqual(self.browser.run("document.querySelectorAll('.blocks, .zooms').length"), 0)
        titles = self.browser.run("[...document.querySelectorAll('.map rect title')].map(title => title.textContent)")
        self.assertGreater(len(titles), 25)
        self.assertEqual(len(titles), self.browser.run("document.querySelectorAll('.map .spot, .map .block').length"))
        self.assertRegex(titles[0], r"^\d+\.0\.0\.0/8: \d+ addresses allowed$")

    def test_warnings_name_the_lines_to_edit(self) -> None:
        mixed = pages.mixed().splitlines()
        line = lambda start: 1 + next(i for i, row in enumerate(mixed) if row.startswith(start))  # noqa: E731
        text = self.text("mixed")
        self.assertIn(f"check the prefix length (line {line('64.0.0.0/6')}).", text)
        self.assertIn(f"never have these addresses (line {line('10.0.0.0/8')}).", text)
        overridden = [1 + i for i, row in enumerate(mixed) if row.startswith("185.12.4.") and row.endswith("Allow,")]
        self.assertIn(f"(line {overridden[0]} is overridden by line {line('185.12.4.0/24,Deny')}, ", text)

    def test_the_page_contains_the_answer_as_json(self) -> None:
        for name, page in self.pages.items():
            with self.subTest(page=name):
                self.browser.open(page.url)
                text = self.browser.run("document.getElementById('answer').textContent")
                found = json.loads(text)
                # `check --json` omits the fields about an output that was not made, and has its own status.
                expected = {**page.answer, "status": {"checked": "written"}.get(page.answer["status"], page.answer["status"])}
                self.assertEqual({name: found[name] for name in expected}, expected)


class Inert(WithBrowser):
    """Whatever a cell contains, no script runs, no resource is loaded and no other text moves."""

    def test_no_page_loads_runs_or_logs_anything(self) -> None:
        for name, page in self.pages.items():
            with self.subTest(page=name):
                self.browser.open(page.url)
                self.assertEqual(self.browser.console(), [])
                self.assertEqual(self.browser.requests(), [page.url])
                self.assertFalse(self.browser.run("'ran' in window"))

    def test_the_log_of_requests_would_show_one(self) -> None:
        attacked = self.pages["acme"].path.with_name("attacked.html")
        page = self.pages["acme"].path.read_text(encoding="utf-8")
        policy = page[page.index("<meta http-equiv") : page.index('<meta name="viewport"')]
        image = '<img src="other.png"><script>window.ran=1</script>'
        attacked.write_text(page.replace("<main>", f"<main>{image}"), encoding="utf-8")
        self.browser.open(attacked.as_uri())
        self.assertIn("Content Security Policy", " ".join(self.browser.console()))
        self.assertFalse(self.browser.run("'ran' in window"))
        attacked.write_text(page.replace(policy, "").replace("<main>", f"<main>{image}"), encoding="utf-8")
        self.browser.open(attacked.as_uri())
        self.assertIn(attacked.with_name("other.png").as_uri(), self.browser.requests())
        self.assertTrue(self.browser.run("'ran' in window"))

    def test_the_policy_is_strict(self) -> None:
        self.browser.open(self.pages["acme"].url)
        policy = self.browser.run("document.querySelector('meta[http-equiv=Content-Security-Policy]').content")
        self.assertRegex(
            policy, r"^default-src 'none'; style-src 'sha256-[\w+/]{43}='; base-uri 'none'; form-action 'none'$"
        )

    def test_cells_are_text(self) -> None:
        self.browser.open(self.pages["hostile"].url)
        elements = self.browser.run(
            "['img','iframe','link','base','form','object','embed','a:not([href$=rejected])','script:not(#answer)',"
            "'meta[http-equiv=refresh]','style:not(head style)'].filter(name => document.querySelector(name))"
        )
        self.assertEqual(elements, [])
        handlers = self.browser.run(
            "[...document.querySelectorAll('*')].flatMap(element => [...element.attributes])"
            ".map(attribute => attribute.name).filter(name => name.startsWith('on') || name == 'style')"
        )
        self.assertEqual(handlers, [])
        shown = self.browser.run("[...document.querySelectorAll('.rejected .cell')].map(cell => cell.textContent)")
        written = ['"' + cell.replace('"', '""') + '"' for cell in pages.HOSTILE]
        expected = [_visible(cell if len(cell) < 160 else cell[:80] + "…") for cell in written]
        self.assertEqual(shown[: len(expected)], expected)

    def test_text_from_right_to_left_moves_no_text_next_to_it(self) -> None:
        self.browser.open(self.pages["hostile"].url)
        text = self.browser.run("document.documentElement.textContent")
        for invisible in "\u202e\u2066\u2067\u2069\u200f":
            self.assertNotIn(invisible, text)
        places = self.browser.run(
            """(() => {
              const cell = [...document.querySelectorAll('.cell')].find(cell => /\\u05e9/.test(cell.textContent));
              const reason = cell.closest('li').querySelector('p:not(.row)');
              const quoted = reason.querySelector('bdi');
              const range = document.createRange();
              range.setStart(quoted.nextSibling, 0);
              range.setEnd(quoted.nextSibling, 6);
              return [reason, quoted, range].map(part => part.getBoundingClientRect())
                .map(box => [box.left, box.right, box.top]);
            })()"""
        )
        (left, _, _), (quoted_left, quoted_right, _), (behind_left, _, _) = places
        self.assertLess(quoted_left - left, 20, "the sentence begins with the value")
        self.assertGreaterEqual(behind_left, quoted_right - 1, "and goes on to the right of it")


class Bounded(WithBrowser):
    """The pages for the largest uploads stay within the size limit."""

    def check(self, page: Page) -> None:
        self.assertLess(page.path.stat().st_size, PAGE_BYTES_MAX)
        self.browser.open(page.url, width=PHONE)
        self.assertEqual(self.browser.violations(), [])
        self.assertEqual(self.browser.run("document.documentElement.scrollWidth"), PHONE)

    def test_a_hundred_thousand_rejected_rows(self) -> None:
        csv = pages.HEADER + "<b>2.2.2,Allow,\n" * 100_000 + "192.0.2.1,Allow,\n"
        page = Pages(Path(self.folder.name)).make("rejected", csv)
        self.assertEqual(page.answer["rejected"], 100_000)
        self.check(page)
        text = self.browser.run("document.body.innerText")
        self.assertIn("And 99,900 more rejected rows, which are not listed.", text)

    def test_a_million_networks(self) -> None:
        addresses = (index * 2_654_435_761 % 2**32 for index in range(1_000_000))
        texts = (".".join(map(str, address.to_bytes(4, "big"))) for address in addresses)
        page = Pages(Path(self.folder.name)).make("million", pages.HEADER + pages.rows(texts, "Allow"))
        self.assertGreater(page.answer["networks"]["allow"], 900_000)
        self.check(page)


class Seen(WithBrowser):
    """The map, checked pixel by pixel."""

    def test_a_wrong_prefix_of_8_is_visible(self) -> None:
        for scheme in ("light", "dark"):
            with self.subTest(scheme=scheme):
                self.browser.open(self.pages["mixed"].url, scheme=scheme)
                picture, box = self.browser.screenshot(), self.box(".map figure > svg")
                allowed, space = self.colour(".legend .allow .full"), self.colour(".legend .space")
                # The order of the blocks is that of well-known IPv4 maps: 10 is the fourth from the left in the
                # fourth row, and 64 to 67 are a square at the left edge, at the top of the lower half.
                for place in ((3.5, 3.8), (0.5, 8.2), (1.5, 8.2), (0.5, 9.8), (1.5, 9.8)):
                    self.assertEqual(self.share(picture, box, place, allowed), 1, place)
                for place in ((8.5, 3.5), (5.5, 0.5)):
                    self.assertEqual(self.share(picture, box, place, space), 1, place)

    def test_single_denied_addresses_are_visible_when_zoomed_in(self) -> None:
        denied = pages.rows((f"198.51.100.{index * 20}" for index in range(10)), "Deny")
        page = Pages(Path(self.folder.name)).make("denied", f"{pages.HEADER}198.51.100.0/24,Allow,\n{denied}")
        self.browser.open(page.url)
        picture, box = self.browser.screenshot(), self.box(".zooms svg")
        left, top, side = box
        inside = picture.crop((left + 2, top + 2, left + side - 2, top + side - 2))
        colours = [colour for _, colour in sorted(inside.getcolors(1 << 24), reverse=True)]
        self.assertEqual(colours[0], self.colour(".legend .allow .full"))
        red = [colour for colour in colours if colour[0] > colour[1] + 60]
        self.assertTrue(red, "ten of 256 are denied")

    def test_all_of_ipv4_has_the_same_numbers_everywhere(self) -> None:
        self.browser.open(self.pages["families"].url)
        numbers = self.browser.run("[...document.querySelectorAll('.map text')].map(text => Number(text.textContent))")
        self.assertEqual(sorted(numbers), list(range(0, 256, 16)))

    def box(self, selector: str) -> tuple[int, int, int]:
        box = self.browser.run("(box => [box.left, box.top, box.width])(document.querySelector(arguments[0])"
                               ".getBoundingClientRect())", selector)
        left, top, side = map(round, box)
        return left, top, side

    def colour(self, selector: str) -> tuple[int, ...]:
        text = self.browser.run("getComputedStyle(document.querySelector(arguments[0])).fill", selector)
        return tuple(int(number) for number in text.removeprefix("rgb(").removesuffix(")").split(","))

    def share(
        self, picture: Image.Image, box: tuple[int, int, int], place: tuple[float, float], colour: tuple[int, ...]
    ) -> float:
        """Returns the share of pixels with a colour in a small square around a place in the grid of 16 by 16."""
        left, top, side = box
        column, row = place
        x, y = round(left + column * side / 16), round(top + row * side / 16)
        near = range(-2, 3)
        pixels = [picture.getpixel((x + dx, y + dy)) for dx in near for dy in near]
        return pixels.count(colour) / len(pixels)


def _visible(text: str) -> str:
    """Returns the text with escapes instead of the characters that change the text direction."""
    marks = "\u202e\u2066\u2067\u2069\u200f"
    return "".join(f"\\u{{{ord(sign):x}}}" if sign in marks else sign for sign in text)


if __name__ == "__main__":
    unittest.main()

"""Takes screenshots of each page, light and dark, with the width of a desktop and a phone: `run.py --screenshots
FOLDER`."""

import sys
import tempfile
from pathlib import Path

from PIL import Image

from browser import PHONE, WIDE, Browser
from pages import Pages, slip

DOCS_WIDTH = 1000


def main(folder: Path) -> None:
    """Writes the screenshots."""
    folder.mkdir(parents=True, exist_ok=True)
    browser = Browser()
    try:
        with tempfile.TemporaryDirectory() as pages:
            for name, page in Pages(Path(pages)).all().items():
                for scheme, width in (("light", WIDE), ("dark", WIDE), ("light", PHONE)):
                    browser.open(page.url, scheme=scheme, width=width)
                    picture = browser.screenshot(width)
                    picture.save(folder / f"{name}-{scheme}-{width}.png", optimize=True)
            page = Pages(Path(pages)).make("acme", slip())
            browser.open(page.url, width=DOCS_WIDTH)
            picture = browser.screenshot(DOCS_WIDTH)
            bottom = round(browser.run("document.querySelector('.map').getBoundingClientRect().bottom")) + 16
            # The image in README.md, with a palette of 256 colours to keep the file small.
            colours = picture.crop((0, 0, DOCS_WIDTH, bottom)).quantize(256, Image.Quantize.MAXCOVERAGE)
            colours.save(folder / "report.png", optimize=True)
    finally:
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())

"""A picture of each page, in light and dark, on a desk and in a hand: `run.py --screenshots FOLDER`."""

import sys
import tempfile
from pathlib import Path

from browser import PHONE, WIDE, Browser
from pages import Pages


def main(folder: Path) -> None:
    """Writes the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    browser = Browser()
    try:
        with tempfile.TemporaryDirectory() as pages:
            for name, page in Pages(Path(pages)).all().items():
                for scheme, width in (("light", WIDE), ("dark", WIDE), ("light", PHONE)):
                    browser.open(page.url, scheme=scheme, width=width)
                    picture = browser.screenshot(width)
                    picture.save(folder / f"{name}-{scheme}-{width}.png", optimize=True)
    finally:
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())

"""The system that this project replaces, written again from its description: see README.md in this folder.

    original.py parse FILE                        reads and validates one CSV; prints the number of valid rows
    original.py one FILE OUT                      one CSV, one .htaccess
    original.py threads|processes|coroutines IN OUT    each CSV of a folder, one .htaccess each
"""

import asyncio
import csv
import ipaddress
import os
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Iterable

Entries = list[tuple[str, str]]

TEMPLATE = """Order Allow, Deny
{% for rule, address in entries -%}
{{ rule }} from {{ address }}
{% endfor -%}
Deny from all
"""

_template = None


def parse_csv(lines: Iterable[str]) -> Entries:
    """Returns the rule and the address of each row whose address the standard library accepts."""
    entries = []
    for row in csv.DictReader(lines):
        try:
            ipaddress.ip_address(row["IP Address"])
        except ValueError:
            continue
        entries.append((row["Rule"], row["IP Address"]))
    return entries


def parse_file(path: Path) -> Entries:
    """Parses a file like `parse_csv`."""
    with path.open(newline="", encoding="utf-8") as file:
        return parse_csv(file)


def render_template(entries: Entries) -> str:
    """Returns the text of the .htaccess file. The template is compiled once per process."""
    global _template
    if _template is None:
        import jinja2

        _template = jinja2.Template(TEMPLATE, keep_trailing_newline=True)
    return _template.render(entries=entries)


def write_file(path: Path, text: str) -> None:
    """Writes one output."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def work(source: Path, target: Path) -> None:
    """Processes one file, from CSV to .htaccess."""
    write_file(target, render_template(parse_file(source)))


async def work_in_coroutine(source: Path, target: Path, slots: asyncio.Semaphore) -> None:
    """Processes one file like `work`, as a coroutine. Files are accessed in threads, because Python has no other way."""
    async with slots:
        entries = await asyncio.to_thread(parse_file, source)
        text = render_template(entries)
        await asyncio.to_thread(write_file, target, text)


async def coroutines(pairs: list[tuple[Path, Path]]) -> None:
    """Processes all files concurrently. The limit is the default number of threads in a thread pool."""
    slots = asyncio.Semaphore(min(32, (os.cpu_count() or 1) + 4))
    await asyncio.gather(*(work_in_coroutine(source, target, slots) for source, target in pairs))


def main(mode: str, source: Path, *rest: str) -> None:
    """Runs the command in the first argument."""
    if mode == "parse":
        print(len(parse_file(source)))
        return
    if mode == "one":
        work(source, Path(rest[0]))
        return
    pairs = [(path, Path(rest[0], path.stem, ".htaccess")) for path in sorted(source.glob("*.csv"))]
    if mode == "threads":
        with ThreadPoolExecutor() as pool:
            list(pool.map(work, *zip(*pairs)))
    elif mode == "processes":
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(work, *zip(*pairs), chunksize=8))
    elif mode == "coroutines":
        asyncio.run(coroutines(pairs))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])

#!/usr/bin/env python3
"""Measures time and memory against the number of rows and files: `make bench-scale`. Draws docs/benchmarks/*.svg.

    rows      one file of 1,000 to 10,000,000 rows through `htaccess render`
    files     1 to 100,000 files of 100 rows through `htaccess render -o`, and as many events through the function,
              one after the other in one environment, with an S3 that answers without a delay
"""

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Callable, Sequence

import cold
import measure
import plot
from measure import say

CHARTS = measure.ROOT / "docs" / "benchmarks"
ROWS = [10**power for power in range(3, 8)]
FILES = [10**power for power in range(0, 6)]
ROWS_OF_A_FILE = 100
# Ten million rows and their networks exceed the default limits of the command line, which are 256 MiB and 16 MiB.
LIMIT = ["--max-csv-bytes", str(2**31), "--max-output-bytes", str(2**31)]

Figures = dict[str, dict[int, float]]
Makers = dict[str, Callable[[int, int], list[str]]]


def main() -> int:
    """Measures, prints the tables and draws the charts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes, and nothing is drawn or written")
    parser.add_argument("--markdown", action="store_true", help="put the tables into docs/benchmarks.md")
    options = parser.parse_args()
    measure.install_packages(["time"])
    measure.build_cli()
    measure.build("function", "bootstrap")
    cold.build_harness()
    with tempfile.TemporaryDirectory(prefix="htaccess-bench-") as name:
        rows = _rows(Path(name), ROWS[:2] if options.quick else ROWS)
        files = _files(Path(name), FILES[:3] if options.quick else FILES)
    for name, first, found in (("scale-rows", "rows", rows), ("scale-files", "files", files)):
        headings, table = _table(first, found)
        print(measure.text_table(headings, table) + "\n")
        if options.markdown:
            measure.put_into_document(name, measure.markdown_table(headings, table))
    if not options.quick:
        _draw("rows", "rows of one file", rows)
        _draw("files", f"files of {ROWS_OF_A_FILE} rows", files)
    return 0


def _rows(folder: Path, sizes: Sequence[int]) -> Figures:
    makers: Makers = {"random": measure.random_addresses, "in runs": measure.addresses_in_runs}
    found: Figures = {}
    for name, make in makers.items():
        times = found.setdefault(f"{name} (ms)", {})
        memory = found.setdefault(f"{name} (MiB)", {})
        for size in sizes:
            upload = folder / "rows.csv"
            measure.write_csv(upload, make(size, 20))
            command = [measure.CLI, "render", upload, *LIMIT]
            times[size] = _median([measure.timed(command, folder / "out") for _ in range(3)])
            memory[size] = measure.memory_mib(command)
            say(f"{name}, {size:,} rows: {times[size]:,.1f} ms, {memory[size]:.1f} MiB")
            upload.unlink()
    return found


def _files(folder: Path, counts: Sequence[int]) -> Figures:
    uploads, output = folder / "uploads", folder / "published"
    addresses = measure.random_addresses(ROWS_OF_A_FILE, 20)
    found: Figures = {name: {} for name in ("command line (ms)", "function (ms)", "command line (MiB)", "function (MiB)")}
    made = 0
    for count in counts:
        for number in range(made, count):
            measure.write_csv(uploads / f"{number // 1000:03}" / f"{number:06}.csv", addresses)
        made = count
        command = [measure.CLI, "render", uploads, "-o", output]

        def once() -> float:
            shutil.rmtree(output, ignore_errors=True)  # Existing outputs would not be written again.
            return measure.timed(command, folder / "log")

        found["command line (ms)"][count] = _median([once() for _ in range(3 if count < 10_000 else 1)])
        shutil.rmtree(output)
        found["command line (MiB)"][count] = measure.memory_mib(command)
        events = _events(uploads / "000" / "000000.csv", count)
        found["function (ms)"][count] = sum(events["new_ms"])
        found["function (MiB)"][count] = events["memory_mib"][0]
        say(f"{count:,} files: " + ", ".join(f"{name} {figures[count]:,.1f}" for name, figures in found.items()))
    return found


def _events(upload: Path, count: int) -> measure.Samples:
    function = {"name": "ours", "command": [str(measure.FUNCTION)]} | cold.OURS
    plan = {"scenario": "stream", "rounds": count, "csv": str(upload), "s3_delay_ms": 0, "functions": [function]}
    return cold.run_harness(plan)["ours"]


def _median(values: list[float]) -> float:
    return statistics.median(values)


def _table(first: str, found: Figures) -> tuple[list[str], list[list[str]]]:
    sizes = next(iter(found.values()))
    rows = [[f"{size:,}", *(f"{figures[size]:,.1f}" for figures in found.values())] for size in sizes]
    return [first, *found], rows


def _draw(name: str, label: str, found: Figures) -> None:
    for unit, what, axis in (("ms", "time", "time (ms)"), ("MiB", "memory", "peak memory (MiB)")):
        lines = [
            plot.Line(series.removesuffix(f" ({unit})"), list(figures.items()))
            for series, figures in found.items()
            if series.endswith(f"({unit})")
        ]
        title = f"{what.capitalize()} against {label}"
        path = CHARTS / f"{name}-{what}.svg"
        plot.write(path, title, f"number of {label}", axis, lines)
        say(f"drawn: {path.relative_to(measure.ROOT)}")


if __name__ == "__main__":
    measure.run_main(main)

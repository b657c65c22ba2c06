"""The common parts of the benchmarks: generates uploads, runs and times programs, and prints tables with limits.

A contender consists of a name and a function that does the task once and returns milliseconds. Contenders are measured
in turns (A B C A B C ...), so that a machine that is slower for a minute is slower for all of them.
"""

import argparse
import json
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Callable, Iterable, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[1]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "infra" / "local"))

import packages  # noqa: E402
import tools  # noqa: E402
from process import Problem, say  # noqa: E402

CLI = ROOT / "target" / "release" / "htaccess"
FUNCTION = ROOT / "target" / "release" / "bootstrap"
DOCUMENT = ROOT / "docs" / "benchmarks.md"
HEADER = "IP Address,Rule,Comment\n"

Samples = dict[str, list[float]]


@dataclass(frozen=True)
class Row:
    """A row of a table: a measured result, the result that it is compared with, and its limits.

    `figure` is a ratio (unit `x`: how many times better than `other`) or an absolute value in `unit`. The figure must be
    at least the bar if `better` is `more`, and at most the bar if `better` is `less`. A row without a bar is only
    information.
    """

    what: str
    ours: str
    other: str
    figure: float
    unit: str = "x"
    better: str = "more"
    bar: float | None = None
    aim: float | None = None

    def verdict(self) -> str:
        """Returns `OK` if the bar is met, `OK, aim` if the aim is also met, otherwise `MISSED`. Empty without a bar."""
        if self.bar is None:
            return ""
        if not self._meets(self.bar):
            return "MISSED"
        return "OK, aim" if self.aim is not None and self._meets(self.aim) else "OK"

    def cells(self) -> list[str]:
        """Returns the cells of the row as text."""
        limits = [self._limit(self.bar), self._limit(self.aim)]
        return [self.what, self.ours, self.other, f"{self.figure:.2f} {self.unit}", *limits, self.verdict()]

    def _meets(self, limit: float) -> bool:
        return self.figure >= limit if self.better == "more" else self.figure <= limit

    def _limit(self, limit: float | None) -> str:
        return "" if limit is None else f"{'≥' if self.better == 'more' else '≤'} {limit:g} {self.unit}"


HEADINGS = ["measured", "ours", "compared with", "figure", "bar", "aim", ""]


def milliseconds(samples: Sequence[float]) -> str:
    """Returns the median, the minimum and the 90th percentile as text."""
    middle, least, p90 = statistics.median(samples), min(samples), percentile(samples, 90)
    if middle < 100:
        return f"{middle:.2f} ms (min {least:.2f}, p90 {p90:.2f})"
    return f"{middle:,.0f} ms (min {least:,.0f}, p90 {p90:,.0f})"


def percentile(samples: Sequence[float], percent: int) -> float:
    """Returns the smallest sample that at least this percentage of samples does not exceed."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * percent // 100) - 1))]


def interleaved(contenders: Mapping[str, Callable[[], float]], rounds: int) -> Samples:
    """Runs each contender once per round. Every round starts with another contender."""
    names = list(contenders)
    samples: Samples = {name: [] for name in names}
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            samples[name].append(contenders[name]())
        latest = ", ".join(f"{name} {samples[name][-1]:,.1f}" for name in names)
        say(f"round {number + 1} of {rounds}: {latest}")
    return samples


def timed(command: Sequence[str | Path], output: Path) -> float:
    """Runs a program and writes its standard output to a file. Returns the milliseconds from start to exit."""
    words = [os.fspath(word) for word in command]
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    errors = f"{output}.stderr"
    actions = [
        (os.POSIX_SPAWN_OPEN, 1, os.fspath(output), flags, 0o644),
        (os.POSIX_SPAWN_OPEN, 2, errors, flags, 0o644),
    ]
    began = time.monotonic()
    pid = os.posix_spawnp(words[0], words, os.environ, file_actions=actions)
    _, status = os.waitpid(pid, 0)
    elapsed_ms = (time.monotonic() - began) * 1000
    if os.waitstatus_to_exitcode(status) != 0:
        text = Path(errors).read_text(encoding="utf-8", errors="replace")[-400:]
        raise Problem(f"{' '.join(words)}: failed with status {os.waitstatus_to_exitcode(status)}\n{text}")
    return elapsed_ms


def memory_mib(command: Sequence[str | Path]) -> float:
    """Returns the peak resident memory of a program, in MiB.

    The peak of a child process starts at the peak of the process that forked it. This process is a large Python, so the
    small GNU time starts the program instead. A measurement of /bin/true checks the remaining error.
    """
    floor = _time_rss_kib(["/bin/true"])
    if floor > 4096:
        raise Problem(f"/bin/true is said to take {floor} KiB: the measurement of memory is wrong")
    return _time_rss_kib([os.fspath(word) for word in command]) / 1024


def _time_rss_kib(command: list[str]) -> int:
    # The prefix `rss=` and `--quiet` keep messages of a failed program apart from the figure.
    done = subprocess.run(
        ["/usr/bin/time", "--quiet", "--format", "rss=%M", *command],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False,
    )
    found = re.search(r"^rss=(\d+)$", done.stderr, re.MULTILINE)
    if done.returncode != 0 or not found:
        raise Problem(f"{' '.join(command)}: failed with status {done.returncode}\n{done.stderr[-400:]}")
    return int(found[1])


def random_addresses(count: int, seed: int) -> list[str]:
    """Returns random IPv4 addresses. The same seed gives the same addresses. A few may occur twice."""
    source = random.Random(seed)
    return [dotted(source.getrandbits(32)) for _ in range(count)]


def addresses_in_runs(count: int, seed: int) -> list[str]:
    """Returns addresses in random order that form scattered runs of 16 to 256 adjacent addresses."""
    source = random.Random(seed)
    chosen: list[int] = []
    while len(chosen) < count:
        start = source.getrandbits(31)
        chosen += range(start, start + min(source.randint(16, 256), count - len(chosen)))
    source.shuffle(chosen)
    return [dotted(address) for address in chosen]


def dotted(address: int) -> str:
    """Returns an IPv4 address as text."""
    return ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))


def memory_folder() -> str | None:
    """Returns a folder in memory, so that disks do not affect the times, or `None` if there is no such folder."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def write_csv(path: Path, addresses: Iterable[str], deny_every: int = 0) -> None:
    """Writes an upload with a short comment in each row. Every `deny_every`th row is a Deny row, the others allow."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER)
        for number, address in enumerate(addresses, 1):
            rule = "Deny" if deny_every and number % deny_every == 0 else "Allow"
            file.write(f"{address},{rule},client {number}\n")


def write_dated_csv(path: Path, addresses: Iterable[str]) -> None:
    """Writes an upload like `write_csv`. Each row also ends on one of a thousand days after 2100."""
    path.parent.mkdir(parents=True, exist_ok=True)
    days = [date(2101, 1, 1) + timedelta(days=number) for number in range(1000)]
    with path.open("w", encoding="utf-8") as file:
        file.write(f"{HEADER.rstrip()},Expires\n")
        for number, address in enumerate(addresses, 1):
            file.write(f"{address},Allow,client {number},{days[number % len(days)]}\n")


def build_cli() -> None:
    """Builds the command line with the release profile."""
    build("command-line", "htaccess")


def build(feature: str, binary: str) -> None:
    """Builds one of the two binaries in release mode."""
    command = ["cargo", "build", "--locked", "--release", "--quiet", "--no-default-features", "--features", feature, "--bin", binary]
    say(f"{' '.join(command)} (the first one takes minutes) ...")
    subprocess.run(command, cwd=ROOT, check=True)


def bench_python() -> str:
    """Returns the path of a Python that has the packages of the peers (infra/local/requirements-bench.txt)."""
    tools.install(("bench",))
    return tools.program("bench", "python")


def parser(description: str | None) -> argparse.ArgumentParser:
    """Returns a parser with the options that all benchmarks with a table share."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--json", type=Path, metavar="FILE", help="write rows and samples to FILE")
    made.add_argument("--markdown", action="store_true", help="put the table into docs/benchmarks.md")
    made.add_argument("--fail-missed", action="store_true", help="exit with 1 if a bar is missed")
    made.add_argument("--quick", action="store_true", help="small and few: shows that it runs, its figures mean nothing")
    return made


def publish(name: str, rows: Sequence[Row], samples: Mapping[str, Samples], options: argparse.Namespace) -> int:
    """Prints the table and writes the requested files. Returns the exit status."""
    cells = [row.cells() for row in rows]
    if options.quick:
        cells = [[*line[:-1], "quick"] for line in cells]
    print(text_table(HEADINGS, cells))
    if options.json:
        found = {
            "machine": machine(),
            "rows": [asdict(row) | {"verdict": row.verdict()} for row in rows],
            "samples": samples,
        }
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if options.markdown:
        put_into_document(name, markdown_table(HEADINGS, cells))
    missed = not options.quick and any(row.verdict() == "MISSED" for row in rows)
    return 1 if missed and options.fail_missed else 0


def text_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns the table as aligned columns for a terminal."""
    widths = [max(map(len, column)) for column in zip(headings, *rows)]
    lines = [headings, ["-" * width for width in widths], *rows]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns the table as Markdown for docs/benchmarks.md."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def put_into_document(name: str, table: str) -> None:
    """Replaces the text between the markers with this name in docs/benchmarks.md."""
    text = DOCUMENT.read_text(encoding="utf-8")
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise Problem(f"{DOCUMENT} has no place for the table `{name}`", f"put {begin} and {end} where it belongs")
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    note = f"{time.strftime('%Y-%m-%d')}, commit {_commit()}, {machine()}"
    DOCUMENT.write_text(f"{before}{begin}\n{table}\n\n{note}\n{end}{after}", encoding="utf-8")
    say(f"{DOCUMENT.relative_to(ROOT)}: table `{name}` is refreshed")


def _commit() -> str:
    """Returns the measured commit. Changes in docs/ are ignored, because the benchmarks write tables there."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    changed = git("status", "--porcelain", "--", ".", ":!docs")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + (" with changes" if changed else "")


def machine() -> str:
    """Returns the processor, the number of cores, and the kernel version as text."""
    info = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.*)", info.read_text() if info.exists() else "")
    return f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}"


def run_main(main: Callable[[], int]) -> None:
    """Runs a benchmark and exits with its status. A problem is printed with its hint."""
    try:
        sys.exit(main())
    except Problem as problem:
        hint = f"\nhint: {problem.hint}" if problem.hint else ""
        sys.exit(f"error: {problem}{hint}")


def install_packages(names: Sequence[str]) -> None:
    """Installs missing Debian packages with apt-get."""
    packages.install(names)

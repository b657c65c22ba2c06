#!/usr/bin/env python3
"""Compares the command line and its outputs with their peers, on this machine: `make bench`.

    million    1,000,000 random IPv4 rows: `htaccess render` against iprange and against Python's csv and ipaddress
    dates      1,000,000 rows with an end date, compared with the same rows without dates
    thousand   1,000 CSVs of 5,000 rows: `htaccess render -o` against the original's threads, processes, coroutines
    apache     requests per second of a real Apache with our file, and with one address per line

Installs what it needs: Debian packages with apt-get, and a Python environment in .tools/. benches/peers/README.md
describes the contenders.
"""

import ipaddress
import itertools
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable, Iterator

import measure
from measure import Problem, Row, Samples, milliseconds, say

sys.path.append(str(Path(__file__).parent / "apache"))
from httpd import Httpd  # noqa: E402

PACKAGES = ["apache2-bin", "apache2-utils", "iprange", "python3-venv", "time"]
ORIGINAL = measure.ROOT / "benches" / "peers" / "original.py"
ORIGINAL_WAYS = ("threads", "processes", "coroutines")
SEED = 20


def main() -> int:
    """Runs the requested sections and prints one table."""
    parser = measure.parser(__doc__)
    parser.add_argument("--only", choices=SECTIONS, action="append", help="only this section; may be repeated")
    parser.add_argument("--rounds", type=int, help="how often each contender is measured")
    options = parser.parse_args()
    measure.install_packages(PACKAGES)
    measure.build_cli()
    rows: list[Row] = []
    samples: dict[str, Samples] = {}
    with tempfile.TemporaryDirectory(prefix="htaccess-bench-", dir=measure.memory_folder()) as folder:
        os.chmod(folder, 0o755)  # If root starts Apache, Apache reads the files as another user.
        for name in options.only or SECTIONS:
            say(f"--- {name}")
            section_rows, section_samples = SECTIONS[name](Path(folder), options.rounds, options.quick)
            rows += section_rows
            samples |= section_samples
    return measure.publish("peers", rows, samples, options)


def million(folder: Path, rounds: int | None, quick: bool) -> tuple[list[Row], dict[str, Samples]]:
    """Compares the contenders on one large file."""
    count = 20_000 if quick else 1_000_000
    addresses = measure.random_addresses(count, SEED)
    upload, plain, ours, theirs = (folder / name for name in ("million.csv", "million.txt", "ours", "theirs"))
    measure.write_csv(upload, addresses)
    plain.write_text("\n".join(addresses) + "\n")
    valid = folder / "valid"
    python = measure.bench_python()
    samples = measure.interleaved(
        {
            "htaccess": lambda: measure.timed([measure.CLI, "render", upload], ours),
            "iprange": lambda: measure.timed(["iprange", plain], theirs),
            "original": lambda: measure.timed([python, ORIGINAL, "one", upload, folder / "original"], folder / "original.log"),
            "csv + ipaddress": lambda: measure.timed([sys.executable, ORIGINAL, "parse", upload], valid),
        },
        rounds or (2 if quick else 7),
    )
    _check_same_networks(ours.read_text(), theirs.read_text())
    if int(valid.read_text()) != count:
        raise Problem(f"Python takes {valid.read_text().strip()} of {count} rows for valid; we take all of them")
    memory = measure.memory_mib([measure.CLI, "render", upload])
    what = f"{count:,} random IPv4 rows, one file"
    rows = [
        _faster(what, samples, "iprange", _iprange_version(), 6, 12),
        _faster(what, samples, "original", "a Python script for the same task", 60, 120),
        _faster(what, samples, "csv + ipaddress", "the script, reading and validating only", None, None),
        Row(f"{what}: peak memory", f"{memory:.1f} MiB", "", memory, "MiB", "less", 96, 48),
    ]
    return rows, {"million": samples}


def dates(folder: Path, rounds: int | None, quick: bool) -> tuple[list[Row], dict[str, Samples]]:
    """Compares one large file with end dates with the same rows without dates. The bar is an upper limit."""
    count = 20_000 if quick else 1_000_000
    addresses = measure.random_addresses(count, SEED)
    uploads = {name: folder / f"{name}.csv" for name in ("dated", "undated")}
    outputs = {name: folder / f"{name}.htaccess" for name in uploads}
    measure.write_dated_csv(uploads["dated"], addresses)
    measure.write_csv(uploads["undated"], addresses)

    def once(name: str) -> float:
        return measure.timed([measure.CLI, "render", uploads[name]], outputs[name])

    samples = measure.interleaved({name: lambda name=name: once(name) for name in uploads}, rounds or (2 if quick else 7))
    # The first line contains the name of the CSV.
    dated, undated = (outputs[name].read_text().partition("\n")[2] for name in ("dated", "undated"))
    if dated != undated:
        raise Problem("the rows with dates give other networks than those without")
    ratio = statistics.median(samples["dated"]) / statistics.median(samples["undated"])
    other = f"the same without dates: {milliseconds(samples['undated'])}"
    what = f"{count:,} random IPv4 rows with `Expires`"
    return [Row(what, milliseconds(samples["dated"]), other, ratio, "x the time", "less", 3, 2)], {"dates": samples}


def thousand(folder: Path, rounds: int | None, quick: bool) -> tuple[list[Row], dict[str, Samples]]:
    """Compares the contenders on many files."""
    count, length = (20, 200) if quick else (1000, 5000)
    uploads = folder / "uploads"
    for number in range(count):
        addresses = measure.random_addresses(length, SEED + number)
        measure.write_csv(uploads / f"site-{number:04}.csv", addresses, deny_every=50)
    python = measure.bench_python()
    outputs: dict[str, Path] = {}

    def once(name: str, *command: str | Path) -> Callable[[], float]:
        # Each run writes to a new folder, because existing files would not be written again, and file systems reuse the
        # space of deleted files slowly.
        new = itertools.count()

        def run() -> float:
            outputs[name] = folder / f"out-{name}-{next(new)}"
            return measure.timed([*command, outputs[name]], folder / f"{name}.log")

        return run

    contenders = {"htaccess": once("htaccess", measure.CLI, "render", uploads, "-o")}
    for way in ORIGINAL_WAYS:
        contenders[way] = once(way, python, ORIGINAL, way, uploads)
    samples = measure.interleaved(contenders, rounds or (1 if quick else 3))
    for number in range(0, count, max(1, count // 20)):
        _check_same_addresses({name: out / f"site-{number:04}" / ".htaccess" for name, out in outputs.items()})
    best = min(ORIGINAL_WAYS, key=lambda way: statistics.median(samples[way]))
    what = f"{count:,} CSVs of {length:,} rows"
    rows = [
        _faster(what, samples, way, f"the original, {way}", *((60, 150) if way == best else (None, None)))
        for way in ORIGINAL_WAYS
    ]
    return rows, {"thousand": samples}


def _faster(what: str, samples: Samples, peer: str, name: str, bar: float | None, aim: float | None) -> Row:
    ratio = statistics.median(samples[peer]) / statistics.median(samples["htaccess"])
    other = f"{name}: {milliseconds(samples[peer])}"
    return Row(what, milliseconds(samples["htaccess"]), other, ratio, bar=bar, aim=aim)


def served(folder: Path, rounds: int | None, quick: bool) -> tuple[list[Row], dict[str, Samples]]:
    """Compares the requests per second that Apache serves with our output and with one address per line."""
    scattered = measure.random_addresses(5000, SEED)
    runs = measure.addresses_in_runs(5000, SEED)
    bars = {
        "scattered addresses": {"Require ip": (9, None), "Allow from": (1.15, None)},
        "addresses in runs of 16 to 256": {"Require ip": (60, None), "Allow from": (6, None)},
    }
    rows: list[Row] = []
    samples: dict[str, Samples] = {}
    with Httpd() as server:
        for name, addresses in (("scattered addresses", scattered), ("addresses in runs of 16 to 256", runs)):
            found = _requests_per_second(server, folder, addresses, rounds or (1 if quick else 5), quick)
            ours = statistics.median(found["htaccess"])
            for peer, (bar, aim) in bars[name].items():
                theirs = statistics.median(found[peer])
                what = f"Apache, 5,000 {name}"
                other = f"one `{peer}` per line: {theirs:,.0f} requests/s"
                rows.append(Row(what, f"{ours:,.0f} requests/s", other, ours / theirs, bar=bar, aim=aim))
            empty = statistics.median(found["no rules"])
            rows.append(Row(what, f"{ours:,.0f} requests/s", f"no rules: {empty:,.0f} requests/s", ours / empty))
            samples[f"apache, {name}, requests/s"] = found
    return rows, samples


def _requests_per_second(
    server: Httpd, folder: Path, addresses: list[str], rounds: int, quick: bool
) -> Samples:
    """Measures every contender with the same rules. The client is allowed and has the highest address, which is in the
    last row, so that Apache reaches it last both in the order of rows and in the order of addresses."""
    client = max(addresses, key=ipaddress.IPv4Address)
    ordered = [address for address in addresses if address != client] + [client]
    measure.write_csv(folder / "served.csv", ordered)
    render = [measure.CLI, "render", folder / "served.csv"]
    ours = subprocess.run(render, check=True, capture_output=True, text=True).stdout
    files = {
        "htaccess": ours,
        "Require ip": "".join(f"Require ip {address}\n" for address in ordered),
        "Allow from": "Order Deny,Allow\nDeny from all\n" + "".join(f"Allow from {address}\n" for address in ordered),
        "no rules": "",
    }
    strangers = ["192.0.2.1", "198.51.100.1", "203.0.113.1"]
    for name, text in files.items():
        server.put(_folder(name), text)
        asking = [client, ordered[0], *strangers]
        answers = dict(zip(asking, server.status(_folder(name), asking)))
        expected = {one: 200 if one in (client, ordered[0]) or not text else 403 for one in answers}
        if answers != expected:
            raise Problem(f"Apache answers {answers} behind `{name}`, where {expected} is right")
    seconds = 1 if quick else 3
    return measure.interleaved(
        {name: lambda name=name: server.requests_per_second(_folder(name), client, seconds) for name in files}, rounds
    )


def _folder(name: str) -> str:
    return name.replace(" ", "-")


def _iprange_version() -> str:
    # The exit status is ignored, because iprange exits with an error after it prints its version.
    told = subprocess.run(["iprange", "--version"], capture_output=True, text=True, check=False)
    return (told.stdout + told.stderr).partition("\n")[0]


def _check_same_networks(ours: str, theirs: str) -> None:
    expected = {line if "/" in line else f"{line}/32" for line in theirs.split()}
    found = {word if "/" in word else f"{word}/32" for word in _words(ours, r"^\s*Require ip (.*)$")}
    if found != expected:
        raise Problem(
            f"the networks differ: iprange has {len(expected)}, we have {len(found)}, {len(found ^ expected)} of them "
            "are in one list alone"
        )
    say(f"the {len(found):,} networks are those of iprange")


def _check_same_addresses(files: dict[str, Path]) -> None:
    """Checks that our output permits the same clients as the original's output would if Apache accepted that output."""
    text = files.pop("htaccess").read_text()
    allow, _, deny = text.partition("<RequireNone>")
    ours = _expanded(_words(allow, r"^\s*Require ip (.*)$")) - _expanded(_words(deny, r"^\s*Require ip (.*)$"))
    for name, path in files.items():
        text = path.read_text().removesuffix("Deny from all")
        theirs = set(_words(text, r"^Allow from (.*)$")) - set(_words(text, r"^Deny from (.*)$"))
        if {str(ipaddress.IPv4Address(address)) for address in ours} != theirs:
            raise Problem(f"{path}: other addresses get in by the original's {name} than by ours")


def _words(text: str, pattern: str) -> Iterator[str]:
    for line in re.finditer(pattern, text, re.MULTILINE):
        yield from line[1].split()


def _expanded(networks: Iterator[str]) -> set[int]:
    return {int(address) for network in networks for address in ipaddress.IPv4Network(network)}


SECTIONS = {"million": million, "dates": dates, "thousand": thousand, "apache": served}

if __name__ == "__main__":
    measure.run_main(main)

"""Checks that the targets of relative links, their anchors, and paths in code spans exist in this project."""

import re
from pathlib import Path
from urllib.parse import unquote

from documents import ROOT, markdown, prose

LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(<?([^()<>\s]+(?:\([^()]*\))?)>?(?:\s+\"[^\"]*\")?\)")
REFERENCE = re.compile(r"^\[[^\]]+\]:\s+(\S+)")
HTML = re.compile(r"<(?:a|img|source)\b[^>]*?\b(?:href|src|srcset)=\"([^\"]+)\"")
ANCHOR = re.compile(r"<a\b[^>]*?\b(?:id|name)=\"([^\"]+)\"")
SPAN = re.compile(r"`[^`]*`")
PATH = re.compile(r"`((?:src|tests|docs|infra|benches|events|examples|fuzz)/[\w./*{},-]*)`")
# Paths that commands create and that are not part of the project.
MADE = re.compile(r"fuzz/(?:artifacts|found)/|target/")


def problems() -> list[str]:
    """Returns the links and paths whose targets do not exist."""
    found = []
    for document in markdown():
        text = (ROOT / document).read_text(encoding="utf-8")
        for number, line in enumerate(prose(text), 1):
            place = f"{document}:{number}"
            bare = SPAN.sub("", line)
            for target in [*LINK.findall(bare), *REFERENCE.findall(bare), *HTML.findall(bare)]:
                found += [f"{place}: {problem}" for problem in _follow(document, target)]
            for path in PATH.findall(line):
                if not MADE.match(path) and not any(list(base.glob(path.rstrip("/"))) for base in (ROOT, ROOT / document.parent)):
                    found.append(f"{place}: there is no {path}")
    return found


def slug(heading: str) -> str:
    """Returns the anchor that GitHub creates for a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    kept = "".join(sign for sign in text.strip().lower() if sign.isalnum() or sign in " -_")
    return kept.replace(" ", "-")


def anchors(document: Path) -> set[str]:
    """Returns the anchors in a Markdown file."""
    text = (ROOT / document).read_text(encoding="utf-8")
    seen: dict[str, int] = {}
    found = set(ANCHOR.findall(text))
    for line in prose(text):
        heading = re.match(r"#{1,6}\s+(.+?)\s*#*$", line)
        if heading:
            name = slug(heading.group(1))
            found.add(f"{name}-{seen[name]}" if name in seen else name)
            seen[name] = seen.get(name, 0) + 1
    return found


def _follow(document: Path, target: str) -> list[str]:
    if re.match(r"[a-z][a-z0-9+.-]*:", target):
        return []
    path, _, anchor = target.partition("#")
    where = (ROOT / document.parent / unquote(path)).resolve() if path else ROOT / document
    if not where.exists():
        return [f"the link {target} leads to no file"]
    if not where.is_relative_to(ROOT):
        return [f"the link {target} leads out of the project"]
    if anchor and where.suffix == ".md" and unquote(anchor) not in anchors(where.relative_to(ROOT)):
        return [f"the link {target} leads to no heading"]
    return []

"""Checks the keys of the bucket, which become paths in the web root."""

from __future__ import annotations

import unicodedata
from typing import Set

from report import shown

NAME = ".htaccess"
# The limits of S3 for a key, and of file systems for a segment.
MAX_KEY_BYTES = 1024
MAX_SEGMENT_BYTES = 255


def refusal(key: str, keys: Set[str]) -> str:
    """Returns the reason why a key of the bucket cannot become a path, or an empty text if it can."""
    segments = key.split("/")
    if len(key.encode(errors="surrogatepass")) > MAX_KEY_BYTES:
        return "the key is longer than 1,024 bytes"
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in key):
        return "the key contains a control character"
    if "" in segments:
        return "the key starts or ends with a slash, or contains two slashes in a row"
    if any(segment in (".", "..") for segment in key.replace("\\", "/").split("/")):
        return "the key contains a segment . or .."
    if any(len(segment.encode()) > MAX_SEGMENT_BYTES for segment in segments):
        return "a segment of the key is longer than 255 bytes"
    if NAME in segments[:-1]:
        other = "/".join(segments[: segments.index(NAME) + 1])
        collides = f", and {shown(other)} is published too" if other in keys else ""
        return f"a folder cannot have the name {NAME}, which is reserved for outputs{collides}"
    return ""

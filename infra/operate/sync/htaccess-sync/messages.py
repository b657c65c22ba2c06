"""Reads the messages of the queue, which are untrusted.

A message is an S3 event, or an SNS notification whose text is an S3 event. The program takes only the keys from an event
and reads the current objects, so that neither the order of messages nor their other content matters.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, NamedTuple, Set
from urllib.parse import unquote_plus

from keys import NAME, refusal
from report import shown


class Dropped(Exception):
    """A message or a part of it is invalid. The text is the reason."""


class Named(NamedTuple):
    """The keys of the outputs that a message names, and the reason for each part that was dropped."""

    keys: Set[str]
    dropped: List[str]


def named(body: str, bucket: str) -> Named:
    """Returns the outputs in this bucket that a message names."""
    keys: Set[str] = set()
    dropped = []
    try:
        for record in _records(body):
            try:
                key = _key(record, bucket)
            except Dropped as err:
                dropped.append(str(err))
            else:
                # Only objects with this name are installed, as in a comparison. Others are skipped.
                if key.rpartition("/")[2] == NAME:
                    keys.add(key)
    except Dropped as err:
        dropped.append(str(err))
    return Named(keys, dropped)


def _records(body: str) -> List[Any]:
    event = _object(body, "the message")
    if event.get("Type") == "Notification":
        event = _object(event.get("Message"), "the text of the notification")
    elif "Type" in event:
        raise Dropped(f"it is of the type {_shown(event['Type'])}: expected Notification")
    # S3 sends this event when notifications are configured.
    if event.get("Event") == "s3:TestEvent":
        return []
    records = event.get("Records")
    if not isinstance(records, list):
        raise Dropped("it has no list Records, so it is not an S3 event")
    return records


def _object(text: Any, what: str) -> Dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, TypeError, RecursionError) as err:
        raise Dropped(f"{what} is not JSON: {shown(str(err))}") from err
    if not isinstance(found, dict):
        raise Dropped(f"{what} is not a JSON object")
    return found


def _key(record: Any, bucket: str) -> str:
    try:
        name, encoded = record["s3"]["bucket"]["name"], record["s3"]["object"]["key"]
    except (KeyError, TypeError) as err:
        raise Dropped("a record contains no bucket or no key") from err
    if name != bucket:
        raise Dropped(f"a record is about the bucket {_shown(name)}: expected {shown(bucket)}")
    if not isinstance(encoded, str):
        raise Dropped(f"the key {_shown(encoded)} is not a string")
    try:
        key = unquote_plus(encoded, errors="strict")
    except UnicodeDecodeError as err:
        raise Dropped(f"the key {shown(encoded)} is not UTF-8") from err
    problem = refusal(key, set())
    if problem:
        raise Dropped(f"{shown(key)}: refused: {problem}")
    return key


def _shown(value: Any) -> str:
    return shown(value if isinstance(value, str) else type(value).__name__)

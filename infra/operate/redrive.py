#!/usr/bin/env python3
"""Sends the events in the failure queue again. docs/operations.md describes when to do this.

    infra/operate/redrive.py --show     print the failed events and their errors; all events stay in the queue
    infra/operate/redrive.py            send each event again, and then delete it from the queue
    infra/operate/redrive.py --queue Q  use another queue than the stack's failure queue; Q is its URL

An event goes to the upload queue if the stack has one, otherwise to the function as a new asynchronous invocation. An
event that fails again returns to the failure queue, so a redrive that is too early loses nothing.

Whoever can send to the queue decides what its messages contain. A message without an event that can be sent is reported
and stays in the queue, and all other messages are sent. The exit status is 0 if all events were sent, 1 if some messages
are left, and 2 for wrong usage.
Needs Python 3 and the aws client, which uses its normal credentials and region.
"""

import argparse
import itertools
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Iterator

# Patterns for error messages of the aws client, each with a hint.
HINTS = (
    (
        "Unable to locate credentials",
        'configure credentials (`aws configure` or a role), or for the local cloud: eval "$(make -s env)"',
    ),
    ("specify a region", "set the region of the stack: export AWS_REGION=..."),
    ("does not exist", "check the region (AWS_REGION), or choose another stack: --stack NAME"),
    ("Could not connect", 'the local cloud may be stopped or replaced: make up, and then: eval "$(make -s env)"'),
    ("ExpiredToken|InvalidClientTokenId|SignatureDoesNotMatch", "the credentials are no longer valid: log in again"),
    (
        "AccessDenied|AuthorizationError",
        "the credentials need permission to read the stack's outputs, to use its queues and to invoke its function",
    ),
)
STACK_DEFAULT = "htaccess-generator"
# The maximum number of messages in one response of SQS.
RECEIVED_AT_ONCE = 10
# The time for which received messages are hidden from other readers, unless they are deleted or released earlier.
HIDDEN_SECONDS = 120
# Messages that could not be sent are hidden, so that SQS does not return them again in place of other messages. They are
# released at the end of the run. If the run is killed, they become visible after this time.
HIDDEN_AFTER_FAILURE_SECONDS = 3600
SENT_AT_ONCE = 5
# Limits for what is printed about a message. The keys in an event are at most five levels deep.
MAX_KEYS = 5
MAX_SHOWN_CHARS = 300
MAX_DEPTH = 20

Message = dict[str, Any]


class MissingOutput(Exception):
    """The stack has no output with this name."""


def main() -> int:
    # Characters that the locale cannot encode are escaped, so that they cannot end the run with an error.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", default=STACK_DEFAULT, help=f"name of the stack (default: {STACK_DEFAULT})")
    parser.add_argument("--queue", help="URL of the queue (default: the stack's failure queue)")
    parser.add_argument("--show", action="store_true", help="print the failed events without changing anything")
    parsed = parser.parse_args()
    try:
        names = outputs(parsed.stack)
        queue = parsed.queue or output(names, "FailureQueue")
        return show(queue) if parsed.show else redrive(queue, names)
    except subprocess.CalledProcessError as err:
        print(f"error: {printable(' '.join(err.cmd))}\n{printable(err.stderr.strip())}", file=sys.stderr)
        for pattern, hint in HINTS:
            if re.search(pattern, err.stderr):
                print(f"hint: {hint}", file=sys.stderr)
                break
    except FileNotFoundError:
        print("error: there is no aws client in PATH", file=sys.stderr)
        print('hint: install it (https://aws.amazon.com/cli/), or for the local cloud: eval "$(make -s env)"', file=sys.stderr)
    except MissingOutput as err:
        print(f"error: the stack {printable(parsed.stack)} has no output {err}", file=sys.stderr)
        print("hint: the stack may be of another kind or of an older version: choose a stack with --stack NAME", file=sys.stderr)
    return 1


def show(queue: str) -> int:
    """Prints one line for each failed event, with its time, its error and its object keys."""
    pages = []
    try:
        for messages in received(queue):
            pages.append(messages)
            print("\n".join(map(summary, messages)))
    finally:
        for messages in pages:
            give_back(queue, messages)
    print(f"{sum(map(len, pages))} in the queue", file=sys.stderr)
    return 0


def redrive(queue: str, names: dict[str, str]) -> int:
    """Sends all events again. Events that cannot be sent stay in the queue. Returns 1 if there are any, otherwise 0."""
    sent = 0
    left: list[list[Message]] = []
    try:
        with ThreadPoolExecutor(SENT_AT_ONCE) as pool:
            for messages in received(queue):
                results = list(pool.map(lambda one: send(one, names), messages))
                done = [message for message, ok in zip(messages, results) if ok]
                failed = [message for message, ok in zip(messages, results) if not ok]
                delete(queue, done)
                sent += len(done)
                if failed:
                    hide(queue, failed, HIDDEN_AFTER_FAILURE_SECONDS)
                    left.append(failed)
    finally:
        for messages in left:
            give_back(queue, messages)
    failures = sum(map(len, left))
    print(f"{sent} sent again, {failures} left in the queue", file=sys.stderr)
    return 1 if failures else 0


def send(message: Message, names: dict[str, str]) -> bool:
    """Sends one event to the upload queue, or to the function if the stack has no queue. Returns whether it was sent."""
    event = event_text(message)
    if event is None:
        name = message["MessageId"]
        print(f"not sent, because the message {name} contains no event: {summary(message)}", file=sys.stderr)
        return False
    try:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "event.json")
            file.write_text(event, encoding="utf-8")
            if "UploadQueue" in names:
                aws("sqs", "send-message", "--queue-url", names["UploadQueue"], "--message-body", f"file://{file}")
            else:
                function = ("--function-name", output(names, "FunctionName"), "--invocation-type", "Event")
                aws("lambda", "invoke", *function, "--payload", f"fileb://{file}", str(Path(folder, "answer")))
    except subprocess.CalledProcessError as err:
        print(f"not sent, because of an error: {summary(message)}\n{printable(err.stderr.strip())}", file=sys.stderr)
        return False
    return True


def received(queue: str) -> Iterator[list[Message]]:
    """Yields the messages of the queue in groups, each message once. Stops after as many messages as were in the queue at
    the start, so that events that fail again are not sent endlessly.
    """
    attributes = ("--attribute-names", "ApproximateNumberOfMessages")
    answer = aws("sqs", "get-queue-attributes", "--queue-url", queue, *attributes)
    left = int(answer["Attributes"]["ApproximateNumberOfMessages"])
    seen: set[str] = set()
    while left > 0:
        options = ["--max-number-of-messages", str(min(left, RECEIVED_AT_ONCE)), "--wait-time-seconds", "2"]
        options += ["--visibility-timeout", str(HIDDEN_SECONDS), "--attribute-names", "SentTimestamp"]
        options += ["--message-attribute-names", "All"]
        messages = aws("sqs", "receive-message", "--queue-url", queue, *options).get("Messages", [])
        # Messages are compared by their IDs, because SQS may deliver a message twice.
        new = [message for message in messages if message["MessageId"] not in seen]
        if not new:
            return
        seen.update(message["MessageId"] for message in new)
        left -= len(new)
        yield new


def delete(queue: str, messages: list[Message]) -> None:
    if messages:
        entries = [{"Id": str(i), "ReceiptHandle": one["ReceiptHandle"]} for i, one in enumerate(messages)]
        aws("sqs", "delete-message-batch", "--queue-url", queue, "--entries", json.dumps(entries))


def give_back(queue: str, messages: list[Message]) -> None:
    """Makes messages visible to other readers immediately."""
    hide(queue, messages, 0)


def hide(queue: str, messages: list[Message], seconds: int) -> None:
    entries = [
        {"Id": str(i), "ReceiptHandle": one["ReceiptHandle"], "VisibilityTimeout": seconds}
        for i, one in enumerate(messages)
    ]
    aws("sqs", "change-message-visibility-batch", "--queue-url", queue, "--entries", json.dumps(entries))


def parsed_json(text: str) -> Any:
    """Parses untrusted JSON. Returns None if it is invalid, nested too deeply, or contains a number that is too large."""
    try:
        # NaN and Infinity are rejected. Python accepts them, but they are not valid JSON.
        return json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError):
        return None


def _no_number(text: str) -> float:
    raise ValueError(text)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


def event_of(message: Message) -> dict[str, Any] | None:
    """Returns the event in Lambda's record of a failure. A message from the upload queue or from EventBridge Scheduler is
    itself the event.
    """
    body = parsed_json(message.get("Body", ""))
    event = body.get("requestPayload", body) if isinstance(body, dict) else None
    return event if isinstance(event, dict) else None


def event_text(message: Message) -> str | None:
    """Returns the event as JSON in ASCII, or None if the message contains no event."""
    event = event_of(message)
    try:
        return None if event is None else json.dumps(event)
    except RecursionError:
        return None


def summary(message: Message) -> str:
    """Returns a description of a message in one line. The content of the message is untrusted."""
    sent = int(message.get("Attributes", {}).get("SentTimestamp", 0)) / 1000
    keys = list(itertools.islice(keys_in(event_of(message)), MAX_KEYS + 1))
    named = ", ".join(shortened(key) for key in keys[:MAX_KEYS]) or "no key"
    more = ", and more" if len(keys) > MAX_KEYS else ""
    time_sent = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(sent))
    return printable(f"{time_sent}  {shortened(error_of(message))}  {named}{more}").replace("\n", "?")


def error_of(message: Message) -> str:
    """Returns the error in Lambda's record, or in the attributes that EventBridge Scheduler adds to a call that it could not
    deliver. For a message from the upload queue, only the function's log contains the error.
    """
    attributes = as_object(message.get("MessageAttributes"))
    if "SCHEDULE_ARN" in attributes:
        code, text = (as_object(attributes.get(name)).get("StringValue", "") for name in ("ERROR_CODE", "ERROR_MESSAGE"))
        return f"{code or 'not delivered'}: {text or 'EventBridge Scheduler could not call the function'}"
    record = parsed_json(message.get("Body", ""))
    if record is None:
        return "invalid JSON"
    if not isinstance(record, dict) or "requestContext" not in record:
        return "from the upload queue: the log has the error"
    failure = as_object(record.get("responsePayload"))
    condition = as_object(record["requestContext"]).get("condition", "")
    return f"{failure.get('errorType', condition)}: {failure.get('errorMessage', 'it was not invoked')}"


def as_object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def keys_in(value: Any, depth: int = 0) -> Iterator[str]:
    """Yields the object keys in an event without decoding them. Levels below MAX_DEPTH are ignored, because no S3 event
    has that many levels.
    """
    if depth > MAX_DEPTH:
        return
    if isinstance(value, str) and value.startswith("{"):
        value = parsed_json(value)
    if isinstance(value, list):
        for item in value:
            yield from keys_in(item, depth + 1)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name in ("key", "s3Key") and isinstance(item, str):
                yield item
            else:
                yield from keys_in(item, depth + 1)


def shortened(text: str) -> str:
    return text if len(text) <= MAX_SHOWN_CHARS else f"{text[:MAX_SHOWN_CHARS]}..."


def printable(text: str) -> str:
    """Replaces characters that could control a terminal or reorder the text around them. Line feeds stay."""
    return "".join(char if char.isprintable() or char == "\n" else "?" for char in text)


def output(names: dict[str, str], name: str) -> str:
    if name not in names:
        raise MissingOutput(repr(name))
    return names[name]


def outputs(stack: str) -> dict[str, str]:
    answer = aws("cloudformation", "describe-stacks", "--stack-name", stack)
    return {output["OutputKey"]: output["OutputValue"] for output in answer["Stacks"][0]["Outputs"]}


def aws(*arguments: str) -> dict[str, Any]:
    # The endpoint is passed as an option, because version 1 of the client ignores this variable for SQS.
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    command = ["aws", *(["--endpoint-url", endpoint] if endpoint else []), *arguments, "--output", "json"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8", errors="replace").stdout
    return json.loads(answer) if answer.strip() else {}


if __name__ == "__main__":
    sys.exit(main())

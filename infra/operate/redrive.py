#!/usr/bin/env python3
"""Sends the events in the failure queue again. docs/operations.md describes when to do this.

    infra/operate/redrive.py --show     print the failed events and their errors; all events stay in the queue
    infra/operate/redrive.py            send each event again, and then delete it from the queue
    infra/operate/redrive.py --queue Q  use another queue than the stack's failure queue; Q is its URL

An event goes to the upload queue if the stack has one, otherwise to the function as a new asynchronous invocation. An
event that fails again returns to the failure queue, so a redrive that is too early loses nothing.
Needs Python 3 and the aws client, which uses its normal credentials and region.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Iterator

# Error messages of the aws client, each with a hint.
HINTS = (
    (
        "Unable to locate credentials",
        'configure credentials (`aws configure` or a role), or for the local cloud: eval "$(make -s env)"',
    ),
    ("specify a region", "set the region of the stack: export AWS_REGION=..."),
    ("does not exist", "check the region (AWS_REGION), or choose another stack: --stack NAME"),
    ("Could not connect", 'the local cloud may be stopped or replaced: make up, and then: eval "$(make -s env)"'),
    ("ExpiredToken|InvalidClientTokenId|SignatureDoesNotMatch", "the credentials are not valid any more: log in again"),
    (
        "AccessDenied|AuthorizationError",
        "the credentials need permission to read the stack's outputs, to use its queues and to invoke its function",
    ),
)
STACK_DEFAULT = "htaccess-generator"
# The maximum number of messages that SQS returns in one call.
RECEIVED_AT_ONCE = 10
# Received messages are hidden from other readers for this time, unless they are deleted or released before.
HIDDEN_SECONDS = 120
SENT_AT_ONCE = 5

Message = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", default=STACK_DEFAULT, help=f"name of the stack (default: {STACK_DEFAULT})")
    parser.add_argument("--queue", help="URL of the queue (default: the stack's failure queue)")
    parser.add_argument("--show", action="store_true", help="print the failed events, and change nothing")
    parsed = parser.parse_args()
    try:
        names = outputs(parsed.stack)
        queue = parsed.queue or names["FailureQueue"]
        return show(queue) if parsed.show else redrive(queue, names)
    except subprocess.CalledProcessError as err:
        print(f"error: {' '.join(err.cmd)}\n{err.stderr.strip()}", file=sys.stderr)
        for pattern, hint in HINTS:
            if re.search(pattern, err.stderr):
                print(f"hint: {hint}", file=sys.stderr)
                break
    except FileNotFoundError:
        print("error: there is no aws client in PATH", file=sys.stderr)
        print('hint: install it (https://aws.amazon.com/cli/), or for the local cloud: eval "$(make -s env)"', file=sys.stderr)
    except KeyError as err:
        print(f"error: the stack {parsed.stack} has no output {err}", file=sys.stderr)
        print("hint: it may be another kind of stack, or an older version: choose a stack with --stack NAME", file=sys.stderr)
    return 1


def show(queue: str) -> int:
    """Prints one line for each failed event: time, error and object keys."""
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
    """Sends all events again. Returns 1 if some could not be sent. These stay in the queue."""
    sent = failed = 0
    with ThreadPoolExecutor(SENT_AT_ONCE) as pool:
        for messages in received(queue):
            done = [message for message, ok in zip(messages, pool.map(lambda one: send(one, names), messages)) if ok]
            delete(queue, done)
            sent += len(done)
            failed += len(messages) - len(done)
    print(f"{sent} sent again, {failed} left in the queue", file=sys.stderr)
    return 1 if failed else 0


def send(message: Message, names: dict[str, str]) -> bool:
    """Sends one event to the upload queue or to the function. Returns whether it was sent."""
    event = event_of(message)
    if event is None:
        print(f"not sent, because the message contains no event: {summary(message)}", file=sys.stderr)
        return False
    try:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "event.json")
            file.write_text(json.dumps(event), encoding="utf-8")
            if "UploadQueue" in names:
                aws("sqs", "send-message", "--queue-url", names["UploadQueue"], "--message-body", f"file://{file}")
            else:
                function = ("--function-name", names["FunctionName"], "--invocation-type", "Event")
                aws("lambda", "invoke", *function, "--payload", f"fileb://{file}", str(Path(folder, "answer")))
    except subprocess.CalledProcessError as err:
        print(f"not sent, because of an error: {summary(message)}\n{err.stderr.strip()}", file=sys.stderr)
        return False
    return True


def received(queue: str) -> Iterator[list[Message]]:
    """Yields the messages of the queue in groups. Stops after the number of messages that were in the queue at the start,
    so that events that fail again are not sent forever.
    """
    attributes = ("--attribute-names", "ApproximateNumberOfMessages")
    answer = aws("sqs", "get-queue-attributes", "--queue-url", queue, *attributes)
    left = int(answer["Attributes"]["ApproximateNumberOfMessages"])
    while left > 0:
        options = ["--max-number-of-messages", str(min(left, RECEIVED_AT_ONCE)), "--wait-time-seconds", "2"]
        options += ["--visibility-timeout", str(HIDDEN_SECONDS), "--attribute-names", "SentTimestamp"]
        messages = aws("sqs", "receive-message", "--queue-url", queue, *options).get("Messages", [])
        if not messages:
            return
        left -= len(messages)
        yield messages


def delete(queue: str, messages: list[Message]) -> None:
    if messages:
        entries = [{"Id": str(i), "ReceiptHandle": one["ReceiptHandle"]} for i, one in enumerate(messages)]
        aws("sqs", "delete-message-batch", "--queue-url", queue, "--entries", json.dumps(entries))


def give_back(queue: str, messages: list[Message]) -> None:
    entries = [
        {"Id": str(i), "ReceiptHandle": one["ReceiptHandle"], "VisibilityTimeout": 0} for i, one in enumerate(messages)
    ]
    aws("sqs", "change-message-visibility-batch", "--queue-url", queue, "--entries", json.dumps(entries))


def event_of(message: Message) -> dict[str, Any] | None:
    """Returns the event: from Lambda's record of a failure, or the message itself if it comes from the upload queue."""
    try:
        body = json.loads(message["Body"])
    except ValueError:
        return None
    event = body.get("requestPayload", body) if isinstance(body, dict) else None
    return event if isinstance(event, dict) else None


def summary(message: Message) -> str:
    sent = int(message.get("Attributes", {}).get("SentTimestamp", 0)) / 1000
    event = event_of(message)
    keys = ", ".join(keys_in(event)) or "no key"
    line = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(sent))}  {error_of(message)}  {keys}"
    # Keys are untrusted: their control characters must not reach a terminal.
    return "".join(char if char.isprintable() else "?" for char in line)


def error_of(message: Message) -> str:
    """Returns the error from Lambda's record. For a message from the upload queue, only the function's log has the error."""
    try:
        record = json.loads(message["Body"])
    except ValueError:
        return "not JSON"
    if not isinstance(record, dict) or "requestContext" not in record:
        return "from the upload queue: the log has the error"
    failure = record.get("responsePayload") or {}
    condition = record["requestContext"].get("condition", "")
    return f"{failure.get('errorType', condition)}: {failure.get('errorMessage', 'it was not invoked')}"


def keys_in(value: Any) -> Iterator[str]:
    """Yields every object key in an event, at any depth, as it is written there."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            return
    if isinstance(value, list):
        for item in value:
            yield from keys_in(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name in ("key", "s3Key") and isinstance(item, str):
                yield item
            else:
                yield from keys_in(item)


def outputs(stack: str) -> dict[str, str]:
    answer = aws("cloudformation", "describe-stacks", "--stack-name", stack)
    return {output["OutputKey"]: output["OutputValue"] for output in answer["Stacks"][0]["Outputs"]}


def aws(*arguments: str) -> dict[str, Any]:
    # Version 1 of the client ignores this variable for SQS.
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    command = ["aws", *(["--endpoint-url", endpoint] if endpoint else []), *arguments, "--output", "json"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8").stdout
    return json.loads(answer) if answer.strip() else {}


if __name__ == "__main__":
    sys.exit(main())

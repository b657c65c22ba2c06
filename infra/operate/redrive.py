#!/usr/bin/env python3
"""Sends the events in the failure queue again, by the way that uploads come; docs/operations.md says when.

    infra/operate/redrive.py --show     print what failed, and why; it all stays in the queue
    infra/operate/redrive.py            send each event again, and take it out of the queue once it is sent
    infra/operate/redrive.py --queue Q  the same for another queue than the stack's failure queue, given by its URL

What failed goes to the function as a new asynchronous invocation, or into the upload queue where the stack has
one. An event that fails again comes back to the failure queue: nothing is lost by a redrive that came too early.
Needs Python 3 and the aws client, with its credentials and region as usual.
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

# What the aws client says when something is missing, and the way out.
WAYS_OUT = (
    (
        "Unable to locate credentials",
        'give the aws client keys (`aws configure`, a role), or for the local cloud: eval "$(make -s env)"',
    ),
    ("specify a region", "name the stack's region: export AWS_REGION=..."),
    ("does not exist", "is the region right (AWS_REGION)? Another stack than the default one is chosen by --stack NAME"),
    ("Could not connect", 'is the local cloud down, or another one up? Then: make up, and again: eval "$(make -s env)"'),
    ("ExpiredToken|InvalidClientTokenId|SignatureDoesNotMatch", "the keys are not valid any more: log in again"),
    ("AccessDenied|AuthorizationError", "these keys may not: it needs the stack's outputs, its queues, and to invoke its function"),
)
STACK_DEFAULT = "htaccess-generator"
# The most that SQS gives at once.
RECEIVED_AT_ONCE = 10
# How long what was received is hidden from other readers, if it is not deleted or given back before.
HIDDEN_SECONDS = 120
SENT_AT_ONCE = 5

Message = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", default=STACK_DEFAULT, help=f"name of the stack (default: {STACK_DEFAULT})")
    parser.add_argument("--queue", help="URL of the queue (default: the stack's failure queue)")
    parser.add_argument("--show", action="store_true", help="print, and change nothing")
    parsed = parser.parse_args()
    try:
        names = outputs(parsed.stack)
        queue = parsed.queue or names["FailureQueue"]
        return show(queue) if parsed.show else redrive(queue, names)
    except subprocess.CalledProcessError as err:
        print(f"error: {' '.join(err.cmd)}\n{err.stderr.strip()}", file=sys.stderr)
        for pattern, way_out in WAYS_OUT:
            if re.search(pattern, err.stderr):
                print(f"hint: {way_out}", file=sys.stderr)
                break
    except FileNotFoundError:
        print("error: there is no aws client in PATH", file=sys.stderr)
        print('hint: install it (https://aws.amazon.com/cli/), or for the local cloud: eval "$(make -s env)"', file=sys.stderr)
    except KeyError as err:
        print(f"error: the stack {parsed.stack} has no output {err}", file=sys.stderr)
        print("hint: it is another kind of stack, or an older one: --stack NAME chooses one", file=sys.stderr)
    return 1


def show(queue: str) -> int:
    """One line a failure: when, which error, which objects."""
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
    """Sends all again. Fails if some could not be sent: those stay."""
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
    """One event, by the way uploads come."""
    event = event_of(message)
    if event is None:
        print(f"left, for there is no event in it: {summary(message)}", file=sys.stderr)
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
        print(f"left, for it could not be sent: {summary(message)}\n{err.stderr.strip()}", file=sys.stderr)
        return False
    return True


def received(queue: str) -> Iterator[list[Message]]:
    """What is in the queue now, some at a time: as many as at the start, lest what fails again is sent for ever."""
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
    """The event: in Lambda's record of a failure, or, out of the upload queue, the message itself."""
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
    # Keys are other people's: nothing in them may steer a terminal.
    return "".join(char if char.isprintable() else "?" for char in line)


def error_of(message: Message) -> str:
    """Lambda's record tells it; out of the upload queue, the function's log does."""
    try:
        record = json.loads(message["Body"])
    except ValueError:
        return "not JSON"
    if not isinstance(record, dict) or "requestContext" not in record:
        return "from the upload queue: the log says why"
    failure = record.get("responsePayload") or {}
    condition = record["requestContext"].get("condition", "")
    return f"{failure.get('errorType', condition)}: {failure.get('errorMessage', 'it was not run')}"


def keys_in(value: Any) -> Iterator[str]:
    """Every key of an object in an event, whatever it is wrapped in, as written there."""
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
    # Version 1 of the client forgets this variable for SQS.
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    command = ["aws", *(["--endpoint-url", endpoint] if endpoint else []), *arguments, "--output", "json"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8").stdout
    return json.loads(answer) if answer.strip() else {}


if __name__ == "__main__":
    sys.exit(main())

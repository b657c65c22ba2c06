"""Reads the queue of this server with the aws client."""

from __future__ import annotations

import json
from typing import List, NamedTuple, Sequence

from client import CALLS_AT_ONCE, Answer, Client
from report import Fatal, Report, shown

# The maximum time that SQS waits for a message.
WAIT_SECONDS = 20
# The maximum number of messages in one call to SQS.
BATCH = 10
# The maximum number of messages in a round. Further messages of a burst wait, so that the first ones are not delayed.
MAX_MESSAGES = 400
RECEIVED = "Messages[].[MessageId,ReceiptHandle,Body]"


class Message(NamedTuple):
    id: str
    receipt: str
    body: str


class Queue:
    """The queue of this server."""

    def __init__(self, url: str, client: Client) -> None:
        self.url = url
        self.client = client

    def receive(self) -> List[Message]:
        """Waits for messages. Returns the available messages, up to a limit."""
        (answer,) = self._received([WAIT_SECONDS]) or (None,)
        if answer is None or self.client.signals.reason:
            return []
        if answer.status:
            raise Fatal(f"the queue {shown(self.url)} cannot be read: {answer.said}")
        messages = batch = self._messages(answer)
        # A full batch is a sign of a burst.
        while len(batch) >= BATCH and len(messages) < MAX_MESSAGES:
            answers = self._received([0] * CALLS_AT_ONCE)
            # Failed calls are ignored, because SQS delivers their messages again.
            batch = [message for answer in answers if not answer.status for message in self._messages(answer)]
            messages = messages + batch
        return messages

    def _received(self, waits: Sequence[int]) -> List[Answer]:
        arguments = ("sqs", "receive-message", "--queue-url", self.url, "--max-number-of-messages", str(BATCH))
        output = ("--output", "json", "--query", RECEIVED)
        return self.client.answers([(*arguments, *output, "--wait-time-seconds", str(wait)) for wait in waits])

    def _messages(self, answer: Answer) -> List[Message]:
        try:
            return [Message(*message) for message in json.loads(answer.output.strip() or "null") or ()]
        except (ValueError, TypeError) as err:
            raise Fatal(f"the queue {shown(self.url)} cannot be read: the aws client did not print messages: {shown(str(err))}") from err

    def delete(self, messages: Sequence[Message], report: Report) -> None:
        """Deletes messages. SQS delivers a message again if it could not be deleted."""
        calls = []
        for start in range(0, len(messages), BATCH):
            batch = messages[start : start + BATCH]
            entries = [{"Id": str(number), "ReceiptHandle": message.receipt} for number, message in enumerate(batch)]
            options = ("--output", "json", "--query", "Failed[].Message", "--entries", json.dumps(entries))
            calls.append(("sqs", "delete-message-batch", "--queue-url", self.url, *options))
        for answer in self.client.answers(calls):
            said = answer.said if answer.status else answer.output.decode(errors="replace").strip()
            if said not in ("", "null", "[]") and not self.client.signals.reason:
                report.fail(f"messages were not deleted from the queue, so they will be received again: {shown(said)}")

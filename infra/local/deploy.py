"""Deploys the stack of template.yaml to a local cloud, reads its outputs, and runs the aws client against it."""

import json
from typing import Sequence

from process import Problem, read, run
from ministack import REGION, Server
from tools import CLIENTS, LOGS, ROOT, architecture, for_local_cloud, locked, program

STACK = "htaccess-generator"
# An empty parameter value, which the SAM CLI accepts only with quotes.
EMPTY = '""'


def deploy(server: Server, parameters: Sequence[str] = ()) -> dict[str, str]:
    """Deploys the result of `sam build`, and returns the stack's outputs. Parameters have the form `Name=Value`."""
    overrides = {"Architecture": architecture(), "EndpointUrl": server.endpoint}
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        if not equals:
            raise Problem(f"--parameter is `{parameter}`", "it must have the form NAME=VALUE")
        overrides[name] = value
    command = [
        *(program("sam", "sam"), "deploy", "--template-file", str(for_local_cloud().folder / "template.yaml")),
        *("--stack-name", STACK, "--region", REGION),
        *("--resolve-s3", "--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"),
        *("--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar"),
        *("--parameter-overrides", *(f"{name}={value or EMPTY}" for name, value in overrides.items())),
    ]
    hint = f"the complete log: {LOGS / 'sam-deploy.log'}; the log of the local cloud: {server.log}"
    with locked("sam command"):
        run("sam deploy", command, LOGS / "sam-deploy.log", server.env(), ROOT, hint)
    _make_numbers(server)
    return outputs(server)


def outputs(server: Server) -> dict[str, str]:
    """Returns the outputs of the deployed stack, by name."""
    query = ["--query", "Stacks[0].Outputs", "--output", "json"]
    answer = aws(server, "cloudformation", "describe-stacks", "--stack-name", STACK, *query)
    return {output["OutputKey"]: output["OutputValue"] for output in json.loads(answer)}


def aws(server: Server, *arguments: str) -> str:
    """Runs the aws client against this cloud, and returns the client's output."""
    return read([str(CLIENTS / "aws"), *arguments], server.env(), ROOT)


def _make_numbers(server: Server) -> None:
    """Sets the numbers of event source mappings again. MiniStack 1.5 stores them as strings, which make its poller fail."""
    answer = json.loads(aws(server, "lambda", "list-event-source-mappings", "--output", "json"))
    for mapping in answer["EventSourceMappings"]:
        limit = f"MaximumConcurrency={mapping['ScalingConfig']['MaximumConcurrency']}"
        options = ["--batch-size", str(mapping["BatchSize"]), "--scaling-config", limit]
        aws(server, "lambda", "update-event-source-mapping", "--uuid", mapping["UUID"], *options)

#!/usr/bin/env python3
"""The local cloud: the stack of this project on this machine, for experiments, the demonstration and tests.

    cloud.py up        install the tools, build the function, start MiniStack and deploy template.yaml
    cloud.py deploy    rebuild the function (unless --no-build) and deploy it to the running cloud
    cloud.py down      stop the cloud that `up` started
    cloud.py demo      start a separate cloud, upload the samples, print the outputs and stop the cloud
    cloud.py env       print the environment for the aws client:  eval "$(... env)"
    cloud.py describe  print the same and the stack's outputs as JSON, for programs
    cloud.py invoke    test every sample event with `sam local invoke`, if Docker runs
    cloud.py install | build | requirements | packages NAME...

CLOUD_PORT sets the port. The default is the first free port from 4566. Each value of CLOUD_PORT is a separate cloud, in
addition to the one that is started without CLOUD_PORT. `CLOUD_PORT=4600 cloud.py down` stops only the cloud at port
4600. Needs only the standard library of Python 3. Runs on Linux, because the function runs as a Linux process.
"""

import argparse
import json
import os
import platform
import re
import shlex
import signal
import sys
from typing import Mapping, Sequence

if sys.version_info < (3, 11):
    sys.exit("error: Python 3.11 or newer is needed\nhint: choose a newer Python with PYTHON: make PYTHON=python3.12 demo")
sys.dont_write_bytecode = True  # Otherwise Python writes __pycache__ into this folder.

import demo
import deploy
import invoke
import ministack
import packages
import requirements
import tools
from process import Problem, exit_status, say

NAME_DEFAULT = "default"
NAME_DEMO = "demo"
PORT_MAX = 65535


def main(arguments: Sequence[str]) -> int:
    """Runs one command. A problem is printed with a hint."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    parsed = _parser().parse_args(arguments)
    return exit_status(lambda: parsed.command(parsed))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (_install, _build, _up, _deploy, _down, _demo, _env, _describe, _invoke, _requirements, _packages):
        sub = commands.add_parser(command.__name__.removeprefix("_"), help=command.__doc__)
        sub.set_defaults(command=command)
        if command in (_up, _deploy):
            sub.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE", help="parameter of template.yaml")
        if command is _deploy:
            sub.add_argument("--no-build", action="store_true", help="deploy the existing build")
        if command is _packages:
            sub.add_argument("names", nargs="+", metavar="NAME")
    return parser


def _install(_: argparse.Namespace) -> None:
    """install the pinned tools into .tools/"""
    tools.install()


def _build(_: argparse.Namespace) -> None:
    """build the function for AWS and prepare it for deployment"""
    tools.build(tools.for_aws(os.environ.get("ARCHITECTURE") or "x86_64"))


def _up(parsed: argparse.Namespace) -> None:
    """start a local cloud with the deployed stack, and leave it running"""
    _check_machine()
    name, port = _name(), _port()
    if port and not ministack.find(name):
        ministack.check_port(port)  # The port is checked before the build, because the build takes minutes.
    tools.build(tools.for_local_cloud())
    running = ministack.find(name)
    if running:
        say(f"the local cloud is already running: {running.endpoint}")
        outputs = deploy.deploy(running, parsed.parameter)
    else:
        running, outputs = _start(name, port, parsed.parameter)
    _print_cloud(running, outputs)


def _deploy(parsed: argparse.Namespace) -> None:
    """rebuild the function and deploy it to the running cloud"""
    running = _running()
    if not parsed.no_build:
        tools.build(tools.for_local_cloud())
    _print_cloud(running, deploy.deploy(running, parsed.parameter))


def _down(_: argparse.Namespace) -> None:
    """stop the local cloud"""
    if ministack.stop(_name()):
        say("the local cloud is stopped and its data is deleted")
        return
    say("no local cloud is running here")
    for name in ministack.names():
        hint = "it stops when the demonstration ends" if name == NAME_DEMO else f"to stop it: CLOUD_PORT={name} make down"
        say(f"the local cloud `{name}` is still running; {hint}")


def _demo(_: argparse.Namespace) -> None:
    """upload the samples to a separate cloud, print the outputs and stop the cloud"""
    _check_machine()
    port = _port()
    if port:
        ministack.check_port(port)
    tools.build(tools.for_local_cloud())
    running, outputs = _start(NAME_DEMO, port, ())
    try:
        demo.show(running, outputs)
        print(flush=True)
    finally:
        ministack.stop(NAME_DEMO)
    say("done; the local cloud is stopped. To start one for experiments: make up")


def _env(_: argparse.Namespace) -> None:
    """print the environment for the aws client"""
    running = _running()
    for name, value in (_environment(running) | _names(deploy.outputs(running))).items():
        print(f"export {name}={shlex.quote(value)}")
    print(f'export PATH={shlex.quote(str(tools.CLIENTS))}:"$PATH"')


def _describe(_: argparse.Namespace) -> None:
    """print the endpoint, the environment, the aws client and the stack's outputs as JSON"""
    running = _running()
    answer = {
        "endpoint": running.endpoint,
        "pid": running.pid,
        "log": str(running.log),
        "aws": str(tools.CLIENTS / "aws"),
        "environment": _environment(running),
        "outputs": deploy.outputs(running),
    }
    print(json.dumps(answer, indent=2))


def _invoke(_: argparse.Namespace) -> None:
    """test every sample event with `sam local invoke`, if Docker runs"""
    reason = invoke.missing()
    if reason:
        print(f"\n{invoke.SKIP}{reason}\n", file=sys.stderr)
        return
    tools.build(tools.for_local_cloud())
    invoke.check()


def _requirements(_: argparse.Namespace) -> None:
    """update the hashes of the pinned tools"""
    requirements.update()


def _packages(parsed: argparse.Namespace) -> None:
    """install the missing Debian packages"""
    packages.install(parsed.names)


def _start(name: str, port: int | None, parameters: Sequence[str]) -> tuple[ministack.Server, dict[str, str]]:
    started = ministack.start(name, port)
    try:
        return started, deploy.deploy(started, parameters)
    except BaseException:
        ministack.stop(name)
        raise


def _running() -> ministack.Server:
    running = ministack.find(_name())
    if not running:
        others = [name for name in ministack.names() if name != NAME_DEMO]
        if others:
            raise Problem(
                f"no local cloud is running {_shown(_name())}, but there is one {', '.join(map(_shown, others))}",
                f"set its port, for example: {_chosen(others[0])}make env",
            )
        raise Problem("no local cloud is running here", f"start one: {_chosen(_name())}make up")
    return running


def _chosen(name: str) -> str:
    """Returns the text to type before `make` to select this cloud."""
    return f"CLOUD_PORT={name} " if name != NAME_DEFAULT else ""


def _shown(name: str) -> str:
    return f"with CLOUD_PORT={name}" if name != NAME_DEFAULT else "without CLOUD_PORT"


def _environment(running: ministack.Server) -> dict[str, str]:
    wanted = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION")
    return {name: running.env()[name] for name in wanted}


def _names(outputs: Mapping[str, str]) -> dict[str, str]:
    """Returns the stack's outputs that commands need, as variables such as UPLOAD_BUCKET and FAILURE_QUEUE."""
    wanted = ("UploadBucket", "SiteBucket", "ReportBucket", "FailureQueue", "UploadQueue", "FunctionName", "LogGroup", "ScheduleGroup",
              "StateMachine")
    return {re.sub("(?<=[a-z])(?=[A-Z])", "_", name).upper(): outputs[name] for name in wanted if name in outputs}


def _print_cloud(running: ministack.Server, outputs: dict[str, str]) -> None:
    chosen = _chosen(running.name)
    uploads, site, reports = (outputs[name] for name in ("UploadBucket", "SiteBucket", "ReportBucket"))
    print(f"""
The local cloud is running at {running.endpoint} (process {running.pid}, log {running.log}).

    uploads   {uploads}
    sites     {site}
    reports   {reports}

Upload a CSV with the aws client:

    eval "$({chosen}make -s env)"
    aws s3 cp events/samples/clients/acme.csv s3://$UPLOAD_BUCKET/clients/acme.csv
    sleep 2
    aws s3 cp s3://$SITE_BUCKET/clients/acme/.htaccess -
    aws s3 cp s3://$REPORT_BUCKET/clients/acme.csv.html -

To stop it and delete its data: {chosen}make down""")


def _name() -> str:
    return str(_port() or NAME_DEFAULT)


def _port() -> int | None:
    given = os.environ.get("CLOUD_PORT", "")
    if not given:
        return None
    if not given.isdecimal() or not 1 <= int(given) <= PORT_MAX:
        raise Problem(f"CLOUD_PORT is `{given}`", f"it must be a port number from 1 to {PORT_MAX}")
    return int(given)


def _check_machine() -> None:
    if platform.system() != "Linux":
        raise Problem(
            f"the local cloud runs the function as a Linux process, but this system is {platform.system()}",
            "use Linux, a container or WSL; to deploy to AWS from here: `sam build && sam deploy`",
        )


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

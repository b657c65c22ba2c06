"""Starts and stops MiniStack, the server of the local cloud. Each instance has a name and a port on this machine.

The file .tools/run/<name>/state.json contains the process ID, the start time of the process, and the port. The start
time shows whether the ID now belongs to another process. An instance has its own session and its own folder for
temporary files, so that all its child processes can be found and stopped.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path

from process import Problem, clean_env, say, tail
from tools import TOOLS, program

RUN = TOOLS / "run"
HOST = "127.0.0.1"
PORT_DEFAULT = 4566
PORTS_TRIED = 50
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 10
REGION = "us-east-1"


@dataclass(frozen=True)
class Server:
    """A MiniStack instance that this module started."""

    name: str
    pid: int
    began: str
    port: int

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def folder(self) -> Path:
        return RUN / self.name

    @property
    def log(self) -> Path:
        return self.folder / "ministack.log"

    def is_running(self) -> bool:
        return _began(self.pid) == self.began

    def env(self) -> dict[str, str]:
        """Returns the environment for clients of this cloud: its address, and dummy keys, which no real account accepts."""
        return client_env() | {"AWS_ENDPOINT_URL": self.endpoint}


def client_env() -> dict[str, str]:
    """Returns an environment with dummy keys and a region. Profiles, files and instance roles are disabled."""
    return clean_env() | {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "SAM_CLI_TELEMETRY": "0",
        # `sam deploy` asks for the state every 0.5 s, because a local cloud has no request limit.
        "SAM_CLI_POLL_DELAY": "0.5",
        "NO_PROXY": f"{HOST},localhost",
        "no_proxy": f"{HOST},localhost",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PYTHONUTF8": "1",
    }


def find(name: str) -> Server | None:
    """Returns the instance with this name, or None if it is not running."""
    try:
        server = Server(**json.loads(_state_file(name).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return server if server.is_running() else None


def start(name: str, port: int | None) -> Server:
    """Starts MiniStack and waits until it answers. If `port` is None, the first free port from 4566 is used."""
    stop(name)  # Cleans up after an instance that was killed.
    port = _choose_port(port)
    folder = RUN / name
    temporary = folder / "tmp"
    temporary.mkdir(parents=True)
    with (folder / "ministack.log").open("wb") as log:
        process = subprocess.Popen(
            [program("cloud", "python"), "-m", "ministack"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=_server_env(port, temporary),
            start_new_session=True,
        )
    server = Server(name, process.pid, _began(process.pid) or "", port)
    _state_file(name).write_text(json.dumps(asdict(server)) + "\n")
    try:
        _wait_until_it_answers(server, process)
    except BaseException:
        stop(name)
        raise
    return server


def stop(name: str) -> bool:
    """Stops the instance with this name and its child processes, by their IDs. Returns whether it was running."""
    folder = RUN / name
    server = find(name)
    if server:
        say(f"stopping the local cloud `{name}` (process {server.pid}, port {server.port}) ...")
        _end(_session(server.pid))
    # If MiniStack was killed, its functions may still run. Their programs are in the instance's folder.
    _end(_running_from(folder))
    shutil.rmtree(folder, ignore_errors=True)
    return server is not None


def check_port(port: int) -> None:
    """Raises a `Problem` if the port is in use."""
    if not _is_free(port):
        raise Problem(
            f"port {port} is in use by another program",
            f"choose another port, for example: CLOUD_PORT={_free_after(port)} (without CLOUD_PORT, a free port is used)",
        )


def _free_after(port: int) -> int:
    return next((other for other in range(port + 1, port + PORTS_TRIED) if other < 65536 and _is_free(other)), PORT_DEFAULT)


def names() -> list[str]:
    """Returns the names of the running instances."""
    return sorted(path.name for path in RUN.glob("*") if find(path.name))


def _server_env(port: int, temporary: Path) -> dict[str, str]:
    endpoint = f"http://{HOST}:{port}"
    return client_env() | {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": HOST,
        # MiniStack passes this variable to the functions, which would otherwise not find this instance.
        "AWS_ENDPOINT_URL": endpoint,
        "TMPDIR": str(temporary),
        "LAMBDA_EXECUTOR": "local",
        # The limit on AWS. MiniStack's default limit depends on the memory, and it counts throttled invocations as
        # failures.
        "LAMBDA_ACCOUNT_CONCURRENCY": "1000",
        # MiniStack needs no containers here, and if it had access to Docker, it would remove other programs' containers.
        "DOCKER_HOST": f"unix://{temporary}/no-docker.sock",
    }


def _choose_port(wanted: int | None) -> int:
    if wanted is not None:
        check_port(wanted)
        return wanted
    for port in range(PORT_DEFAULT, PORT_DEFAULT + PORTS_TRIED):
        if _is_free(port):
            if port != PORT_DEFAULT:
                say(f"port {PORT_DEFAULT} is in use: using port {port} (CLOUD_PORT=... sets another port)")
            return port
    raise Problem(
        f"the ports {PORT_DEFAULT} to {PORT_DEFAULT + PORTS_TRIED - 1} are all in use",
        "set a free port, for example: CLOUD_PORT=14566",
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _wait_until_it_answers(server: Server, process: subprocess.Popen) -> None:
    say(f"starting the local cloud `{server.name}`: MiniStack, process {server.pid}, {server.endpoint} ...")
    # The request must not use a proxy, because the address is on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Problem(f"MiniStack exited with status {process.returncode} while it started\n{tail(server.log)}")
        try:
            with opener.open(f"{server.endpoint}/_ministack/health", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise Problem(f"MiniStack did not answer within {START_SECONDS_MAX} s\n{tail(server.log)}")


def _state_file(name: str) -> Path:
    return RUN / name / "state.json"


def _began(pid: int) -> str | None:
    """Returns the start time of a process in kernel ticks, or None if there is no such process."""
    stat = _stat(pid)
    return stat[19] if stat and stat[0] != "Z" else None


def _session(session: int) -> list[int]:
    """Returns the IDs of the processes of a session."""
    return [pid for pid in _pids() if (stat := _stat(pid)) and stat[3] == str(session) and stat[0] != "Z"]


def _running_from(folder: Path) -> list[int]:
    """Returns the IDs of the processes whose program is in the folder."""
    found = []
    for pid in _pids():
        try:
            if os.readlink(f"/proc/{pid}/exe").startswith(f"{folder}/"):
                found.append(pid)
        except OSError:
            continue
    return found


def _pids() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def _stat(pid: int) -> list[str] | None:
    """Returns the fields of /proc/PID/stat after the program name: state, parent, group, session, ..., start time (19)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _end(pids: list[int]) -> None:
    """Sends SIGTERM to the processes, waits, and kills the processes that are still running."""
    began = {pid: _began(pid) for pid in pids}
    _signal(pids, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS_MAX

    def left() -> list[int]:
        return [pid for pid in pids if began[pid] is not None and _began(pid) == began[pid]]

    while left() and time.monotonic() < deadline:
        time.sleep(0.05)
    _signal(left(), signal.SIGKILL)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue

"""A private Apache httpd 2.4 for measurements, with one child process, a few threads and a free port on this machine.

mod_remoteip takes the client's address from the header `X-Client`, so that a request can come from any address. The
cost of a request is the CPU time of the server's own threads (on Linux: /proc/PID/task/TID/schedstat). Other work on
the machine affects this time far less than it affects the requests per second.
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

MODULES = Path("/usr/lib/apache2/modules")
MODULES_LOADED = ["mpm_event", "authz_core", "authz_host", "access_compat", "remoteip", "setenvif"]

CONFIGURATION = """\
ServerName localhost
Listen 127.0.0.1:{port}
{modules}
{user}
DefaultRuntimeDir "run"
PidFile "run/httpd.pid"
ErrorLog "error.log"
LogLevel crit
ServerLimit 1
StartServers 1
ThreadsPerChild 4
MaxRequestWorkers 4
MinSpareThreads 1
MaxSpareThreads 4
ThreadLimit 4
KeepAlive On
KeepAliveTimeout 60
MaxKeepAliveRequests 0
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.0/8
DocumentRoot "{root}/root"
ErrorDocument 403 "out"
<Directory />
  AllowOverride None
  Require all denied
</Directory>
<Directory "{root}/root">
  AllowOverride All
  Require all granted
</Directory>
{sections}
"""


@dataclass
class Load:
    """The results of one run of `ab`."""

    requests_per_second: float
    cpu_microseconds: float


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Httpd:
    """A running httpd. `put` creates a folder with a `.htaccess` file. `sections` are added to the main configuration."""

    def __init__(self, sections: dict[str, str] | None = None) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="htaccess-forms-"))
        self.root.chmod(0o755)
        (self.root / "run").mkdir()
        (self.root / "root").mkdir()
        self.port = free_port()
        for name, text in (sections or {}).items():
            self._page(name)
            (self.root / f"{name}.conf").write_text(text)
        self._configure(list(sections or {}))
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL)
        self._await_start()

    def command(self) -> list[str]:
        program = shutil.which("apache2") or shutil.which("httpd") or "/usr/sbin/apache2"
        return [program, "-DFOREGROUND", "-d", str(self.root), "-f", str(self.root / "httpd.conf")]

    def _configure(self, included: list[str]) -> None:
        modules = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in MODULES_LOADED)
        user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
        sections = "\n".join(
            f'<Directory "{self.root}/root/{name}">\n  AllowOverride None\n'
            f'  Include "{self.root}/{name}.conf"\n</Directory>'
            for name in included
        )
        text = CONFIGURATION.format(port=self.port, modules=modules, user=user, root=self.root, sections=sections)
        (self.root / "httpd.conf").write_text(text)

    def _await_start(self) -> None:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        raise RuntimeError(f"httpd does not start:\n{self.errors()}")

    def _page(self, name: str) -> Path:
        folder = self.root / "root" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "page.txt").write_text("in\n")
        return folder

    def put(self, name: str, htaccess: str) -> None:
        (self._page(name) / ".htaccess").write_text(htaccess)

    def errors(self) -> str:
        log = self.root / "error.log"
        return log.read_text(errors="replace")[-1500:] if log.exists() else ""

    def status(self, name: str, clients: list[str]) -> list[int]:
        """Returns the status codes for these clients."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        codes = []
        for client in clients:
            connection.request("GET", f"/{name}/page.txt", headers={"X-Client": client})
            answer = connection.getresponse()
            answer.read()
            codes.append(answer.status)
        connection.close()
        return codes

    def cpu_nanoseconds(self) -> int:
        """Returns the CPU time of all threads of the child processes."""
        parent = self.process.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        total = 0
        for child in children:
            for stat in Path(f"/proc/{child}/task").glob("*/schedstat"):
                total += int(stat.read_text().split()[0])
        return total

    def load(self, name: str, client: str, requests: int, keep_alive: bool = True) -> Load:
        """Sends requests one after another, over one connection or over a new connection for each request."""
        before = self.cpu_nanoseconds()
        rate = self._ab(name, client, ["-n", str(requests), *(["-k"] if keep_alive else [])])
        used = self.cpu_nanoseconds() - before
        return Load(rate, used / requests / 1000)

    def requests_per_second(self, name: str, client: str, seconds: int) -> float:
        """Measures one client that uses one connection and sends each request as soon as the previous one was answered."""
        return self._ab(name, client, ["-k", "-t", str(seconds), "-n", "10000000"])

    def _ab(self, name: str, client: str, options: list[str]) -> float:
        url = f"http://127.0.0.1:{self.port}/{name}/page.txt"
        command = ["ab", "-q", "-c", "1", "-H", f"X-Client: {client}", *options, url]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        rate = re.search(r"Requests per second:\s+([\d.]+)", text)
        failed = re.search(r"Failed requests:\s+(\d+)", text)
        if not rate or not failed or failed[1] != "0":
            raise RuntimeError(f"ab before {name} went wrong:\n{text}")
        return float(rate[1])

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)
        shutil.rmtree(self.root, ignore_errors=True)

    def __enter__(self) -> Httpd:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

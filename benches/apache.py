"""A private Apache httpd on a free port, and `ab` before it.

As in tests/servers: `mod_remoteip` takes the client's address from `X-Client`, so that a request can come from any
address. One folder below its document root for each contender.
"""

import http.client
import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from measure import Problem

MODULES = Path("/usr/lib/apache2/modules")
MODULES_LOADED = ("mpm_event", "authz_core", "authz_host", "access_compat", "remoteip")
START_SECONDS_MAX = 15


class Apache:
    """Runs from `with` to its end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._root = folder / "root"
        (folder / "run").mkdir(parents=True)
        self._root.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]
        (folder / "httpd.conf").write_text(self._configuration(), encoding="utf-8")

    def __enter__(self) -> Self:
        httpd = shutil.which("apache2", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
        if not httpd:
            raise Problem("apache2 is not installed", "apt-get install apache2-bin")
        command = [httpd, "-DFOREGROUND", "-d", str(self._folder), "-f", str(self._folder / "httpd.conf")]
        self._process = subprocess.Popen(command)
        self.put("ready", "")
        until = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < until and self._process.poll() is None:
            try:
                if self.status("ready", "192.0.2.1") == 200:
                    return self
            except OSError:
                time.sleep(0.02)
        self.__exit__(None, None, None)
        log = self._folder / "error.log"
        raise Problem(f"Apache did not start: {log.read_text() if log.exists() else 'and left no log'}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()

    def put(self, name: str, htaccess: str) -> None:
        """Lays a `.htaccess` into the folder of this contender, and a page beside it."""
        folder = self._folder_of(name)
        folder.mkdir(exist_ok=True)
        (folder / ".htaccess").write_text(htaccess, encoding="utf-8")
        (folder / "page.txt").write_text("in\n", encoding="utf-8")

    def status(self, name: str, client: str) -> int:
        """What a request from this address is answered."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request("GET", f"/{self._folder_of(name).name}/page.txt", headers={"X-Client": client})
            return connection.getresponse().status
        finally:
            connection.close()

    def requests_per_second(self, name: str, client: str, seconds: int) -> float:
        """One client that asks again as soon as it is answered, over one connection."""
        url = f"http://127.0.0.1:{self._port}/{self._folder_of(name).name}/page.txt"
        command = ["ab", "-q", "-k", "-c", "1", "-t", str(seconds), "-n", "10000000", "-H", f"X-Client: {client}", url]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        rate = re.search(r"Requests per second:\s+([\d.]+)", text)
        failed = re.search(r"Failed requests:\s+(\d+)", text)
        if not rate or not failed or failed[1] != "0" or "Non-2xx responses" in text:
            raise Problem(f"ab before `{name}` went wrong:\n{text}")
        return float(rate[1])

    def _folder_of(self, name: str) -> Path:
        return self._root / name.replace(" ", "-")

    def _configuration(self) -> str:
        modules = "\n".join(f'LoadModule {name}_module "{MODULES}/mod_{name}.so"' for name in MODULES_LOADED)
        user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
        return f"""ServerName localhost
Listen 127.0.0.1:{self._port}
{modules}
{user}
DefaultRuntimeDir "run"
PidFile "run/httpd.pid"
ErrorLog "error.log"
LogLevel crit
StartServers 1
ThreadsPerChild 25
KeepAlive On
KeepAliveTimeout 60
MaxKeepAliveRequests 0
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.0/8
DocumentRoot "{self._root}"
<Directory />
  AllowOverride None
  Require all denied
</Directory>
<Directory "{self._root}">
  AllowOverride AuthConfig Limit
  Require all granted
</Directory>
"""

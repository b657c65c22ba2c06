"""Headless Chromium, controlled with Selenium, as users, screen readers and attackers see the pages."""

import base64
import importlib.util
import io
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

# No sandbox, so that root can also run the tests, and no features that use the network on their own.
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
WIDE, PHONE, SMALL_PHONE = 1200, 390, 320
# The width of A4 paper (210 mm) without the margins of Chromium (10 mm), at 96 pixels for each 25.4 mm.
PAPER = 718
HEIGHT = 900
TREE_SECONDS = 30
TREE_READS_SAME = 5
CONSOLE_SECONDS = 30
LAST_MESSAGE = "This is the last message."
SCRIPT_SECONDS = 600
SCREENSHOT_HEIGHT_MAX = 8000


class Browser:
    """A browser with a new profile."""

    def __init__(self) -> None:
        self._profile = tempfile.mkdtemp(prefix="report-browser-")
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or ""
        for argument in (*ARGUMENTS, f"--user-data-dir={self._profile}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        # axe checks the colours of every cell, which takes minutes on a busy machine.
        self.driver.set_script_timeout(SCRIPT_SECONDS)
        self._axe = _axe_source()

    def close(self) -> None:
        """Closes the browser and removes its profile."""
        self.driver.quit()
        shutil.rmtree(self._profile, ignore_errors=True)

    def open(self, url: str, *, scheme: str = "light", media: str = "screen", width: int = WIDE, scripts: bool = True) -> None:
        """Opens a page. `scheme` is `light` or `dark`, and `media` is `screen` or `print`."""
        self._command("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])
        self._command("Emulation.setScriptExecutionDisabled", value=not scripts)
        self._resize(width, HEIGHT)
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.driver.get(url)

    def run(self, script: str, *arguments: object) -> Any:
        """Evaluates a JavaScript expression in the page and returns its value."""
        return self.driver.execute_script(f"return {script}", *arguments)

    def console(self) -> list[str]:
        """Returns the messages in the page's console, including those about blocked resources.

        On a busy machine the messages arrive late. They arrive in order, so all of them are there when a last one is.
        """
        self.driver.execute_script("console.error(arguments[0])", LAST_MESSAGE)
        messages: list[str] = []
        deadline = time.monotonic() + CONSOLE_SECONDS
        while time.monotonic() < deadline:
            messages += [entry["message"] for entry in self.driver.get_log("browser")]
            if messages and LAST_MESSAGE in messages[-1]:
                return messages[:-1]
            time.sleep(0.05)
        raise AssertionError(f"the last message did not arrive after {messages}")

    def requests(self) -> list[str]:
        """Returns the URLs that were requested since the page was opened."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [message["params"] for message in messages if message["method"] == "Network.requestWillBeSent"]
        return [params["request"]["url"] for params in sent]

    def violations(self) -> list[str]:
        """Returns the findings of axe with all of its rules, one line each."""
        self.driver.execute_script(self._axe)
        found = self.driver.execute_async_script("axe.run().then(arguments[arguments.length - 1])")
        return [
            f"{violation['id']}: {node['target']}: {node['failureSummary']}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]

    def accessible(self, role: str) -> list[tuple[str, str]]:
        """Returns the names and descriptions of all elements with a role, in order, as a screen reader reads them.

        Chromium builds the accessibility tree after the page, and on a busy machine in several parts. This therefore
        waits until the elements have been the same for several frames, or the time is up.
        """
        deadline = time.monotonic() + TREE_SECONDS
        found: list[tuple[str, str]] = []
        same = 0
        while same < TREE_READS_SAME and time.monotonic() < deadline:
            before, found = found, self._accessible(role)
            same = same + 1 if found and found == before else 0
            self.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
            time.sleep(0.1)
        return found

    def _accessible(self, role: str) -> list[tuple[str, str]]:
        nodes = self._command("Accessibility.getFullAXTree")["nodes"]
        value = lambda node, key: node.get(key, {}).get("value", "")  # noqa: E731
        return [(value(node, "name"), value(node, "description")) for node in nodes if value(node, "role") == role]

    def screenshot(self, width: int = WIDE) -> Image.Image:
        """Takes a screenshot of the whole page, or of its top part if it is higher than the maximum."""
        height = min(self.run("document.documentElement.scrollHeight"), SCREENSHOT_HEIGHT_MAX)
        self._resize(width, height)
        data = self._command("Page.captureScreenshot", format="png")["data"]
        return Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")

    def _resize(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < WIDE / 2}
        self._command("Emulation.setDeviceMetricsOverride", **metrics)

    def _command(self, name: str, **parameters: object) -> Any:
        return self.driver.execute_cdp_cmd(name, parameters)


def _axe_source() -> str:
    """Returns the source code of axe-core, from the package that contains it."""
    found = importlib.util.find_spec("axe_playwright_python")
    if not found or not found.submodule_search_locations:
        raise RuntimeError("axe_playwright_python is not installed: run tests/system/browser/run.py")
    return Path(found.submodule_search_locations[0], "axe.min.js").read_text(encoding="utf-8")

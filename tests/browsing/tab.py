"""A tab of the browser: a page in it, what it did, and how it looks."""

import base64
import time
from pathlib import Path
from typing import Any

from tests.browsing.pipe import DEADLINE, Message, Pipe

__all__ = ["Tab"]

KEYS = {"Tab": (9, ""), "Enter": (13, "\r")}


class Tab:
    """A page in a browser. What it asked for and what it complained of is kept."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        target = pipe.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = pipe.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._target = target
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: object) -> Message:
        return self._pipe.call(method, self._session, **params)

    def size(self, width: int, height: int = 900) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def scheme(self, scheme: str) -> None:
        """Prefer light or dark."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, page: Path) -> None:
        """Open a page and wait until it has drawn its charts."""
        self.call("Page.navigate", url=page.as_uri())
        self.wait("document.documentElement?.dataset.drawn !== undefined")

    def wait(self, condition: str) -> None:
        deadline = time.monotonic() + DEADLINE
        while not self.value(f"Boolean({condition})"):
            assert time.monotonic() < deadline, f"never true: {condition}"
            time.sleep(0.05)

    def value(self, expression: str) -> Any:  # noqa: ANN401  # JSON
        """Evaluate JavaScript and give its value."""
        how = {"returnByValue": True, "awaitPromise": True, "allowUnsafeEvalBlockedByCSP": False}
        answer = self.call("Runtime.evaluate", expression=expression, **how)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def key(self, key: str) -> None:
        """Press a key and let it go."""
        code, text = KEYS[key]
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def screenshot(self, out: Path, *, element: str | None = None) -> None:
        """Keep a picture of the whole page, or of an element."""
        clip: dict[str, object] = {}
        if element:
            box = self.value(f"(({element}).getBoundingClientRect()).toJSON()")
            top = self.value("window.scrollY")
            box["y"] += top
            clip = {"clip": {key: box[key] for key in ("x", "y", "width", "height")} | {"scale": 1}}
        picture = self.call("Page.captureScreenshot", captureBeyondViewport=True, **clip)["data"]
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(base64.b64decode(picture))

    def requests(self) -> list[str]:
        """What it asked the network or the disk for, data: apart."""
        return [event["params"]["request"]["url"] for event in self._of("Network.requestWillBeSent")]

    def complaints(self) -> list[str]:
        """Errors and warnings of the console, exceptions, and what the content security policy refused."""
        logged = [event["params"]["entry"] for event in self._of("Log.entryAdded")]
        called = [event["params"] for event in self._of("Runtime.consoleAPICalled")]
        thrown = [event["params"]["exceptionDetails"] for event in self._of("Runtime.exceptionThrown")]
        return [
            *(f"{entry['level']}: {entry['text']}" for entry in logged if entry["level"] in ("error", "warning")),
            *(f"{one['type']}: {one['args']}" for one in called if one["type"] in ("error", "warning", "assert")),
            *(f"thrown: {one}" for one in thrown),
        ]

    def close(self) -> None:
        self._pipe.call("Target.closeTarget", targetId=self._target)

    def _of(self, method: str) -> list[Message]:
        events = self._pipe.events
        return [event for event in events if event.get("method") == method and event.get("sessionId") == self._session]

"""A headless Chromium that opens a page and reports events on it, through the DevTools protocol."""

import asyncio
import json
import shutil
import subprocess
from base64 import b64decode
from contextlib import asynccontextmanager

import aiohttp

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PORT_FILE = "DevToolsActivePort"


class Tab:
    """One open page, with its console, its requests, and the evaluation of scripts."""

    def __init__(self, socket):
        self.socket = socket
        self.number = 0
        self.session = None
        self.events = []

    async def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        await self.socket.send_json(message | ({"sessionId": self.session} if self.session else {}))
        while True:
            answer = json.loads((await self.socket.receive()).data)
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    async def attach(self):
        target = await self.call("Target.createTarget", url="about:blank")
        attached = await self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.call(f"{domain}.enable")

    async def open(self, path):
        await self.call("Page.navigate", url=path.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(json.loads((await self.socket.receive()).data))

    async def evaluate(self, script):
        """The value of a script as JSON, after all events that it causes are received."""
        found = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def press(self, key, text=""):
        for kind in ("keyDown", "keyUp"):
            code = {"Tab": 9, "Enter": 13}.get(key, 0)
            given = {"text": text} if text and kind == "keyDown" else {}
            await self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **given)

    async def screenshot(self, path, width, height, scheme="light", from_y=0):
        await self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        clip = {"x": 0, "y": from_y, "width": width, "height": height, "scale": 1}
        shot = await self.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        path.write_bytes(b64decode(shot["data"]))

    def of(self, method):
        return [event["params"] for event in self.events if event.get("method") == method]

    @property
    def complaints(self):
        """Errors and warnings of the console, exceptions, and violations of the content policy."""
        logged = [entry["entry"]["text"] for entry in self.of("Log.entryAdded")]
        said = [call["type"] for call in self.of("Runtime.consoleAPICalled")]
        return logged + said + [thrown["exceptionDetails"]["text"] for thrown in self.of("Runtime.exceptionThrown")]

    @property
    def requests(self):
        return [sent["request"]["url"] for sent in self.of("Network.requestWillBeSent")]


@asynccontextmanager
async def chromium(profile):
    """A tab of a new Chromium."""
    arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0"]
    process = subprocess.Popen(
        [CHROMIUM, *arguments, f"--user-data-dir={profile}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        port, path = (await _port(process, profile / PORT_FILE)).split()
        url = f"ws://127.0.0.1:{port}{path}"
        async with aiohttp.ClientSession() as session, session.ws_connect(url, max_msg_size=0) as socket:
            tab = Tab(socket)
            await tab.attach()
            yield tab
    finally:
        process.terminate()
        process.wait(20)


async def _port(process, file):
    """The port that Chromium writes once it listens."""
    for _ in range(300):
        assert process.poll() is None, "Chromium has ended"
        if file.exists() and len(file.read_text().split()) == 2:
            return file.read_text()
        await asyncio.sleep(0.1)
    raise AssertionError("Chromium does not listen")

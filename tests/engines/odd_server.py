"""A server on loopback that speaks the OpenAI protocol, with any dialect and any fault."""

import asyncio
import contextlib
import threading
import time

from aiohttp import web

from pad_ray.engines.base import Request, Sampling
from pad_ray.engines.config import EngineConfig
from pad_ray.engines.kinds import open_engine

SAMPLING = Sampling(temperature=0.5, top_p=0.9, max_tokens=7, stop=("\n",))


def ask(*names):
    return [Request(name, name, SAMPLING, seed) for seed, name in enumerate(names)]


def completion(text="ok", usage=None, **fields):
    choice = {"index": 0, "text": text, "finish_reason": "stop", "logprobs": None, **fields}
    usage = usage or {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
    return web.json_response(
        {"id": "1", "object": "text_completion", "model": "m", "choices": [choice], "usage": usage}
    )


def refusal(status, message="no", **headers):
    error = {"error": {"message": message, "type": "t", "code": status}}
    return web.json_response(error, status=status, headers=headers)


class Server:
    """Answers with `behave(name, attempt)`, which may be a coroutine, and records the requests and their times.

    It lists `models`; requests for one token, as a job sends before its first block, are answered and not recorded.
    """

    def __init__(self, behave, models=("m",)):
        self.behave, self.asked, self.bodies, self.headers = behave, {}, [], []
        self.models, self.url = models, ""
        self.running = self.most = 0

    async def handle(self, http):
        body = await http.json()
        if body["max_tokens"] == 1:
            return completion(message={"role": "assistant", "content": "ok"})
        name = body["prompt"] if "prompt" in body else body["messages"][-1]["content"]
        times = self.asked.setdefault(name, [])
        times.append(time.monotonic())
        self.bodies.append((http.path, body))
        self.headers.append(http.headers)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            answer = self.behave(name, len(times))
            return await answer if asyncio.iscoroutine(answer) else answer
        finally:
            self.running -= 1

    async def list_models(self, _):
        return web.json_response({"object": "list", "data": [{"id": name} for name in self.models]})

    @property
    def requests(self):
        """The number of requests so far."""
        return sum(map(len, self.asked.values()))

    @contextlib.asynccontextmanager
    async def serve(self, port=0):
        app = web.Application()
        app.router.add_get("/v1/models", self.list_models)
        app.router.add_post("/v1/{endpoint:(chat/)?completions}", self.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        finally:
            await runner.cleanup()


def run(behave, requests, **fields):
    """The server after all requests, and the generations by name."""
    server = Server(behave)

    async def work():
        async with server.serve() as url:
            config = EngineConfig(kind="openai", model="m", base_url=url, **fields)
            return await open_engine(config, on_gpu=False).generate(requests)

    return server, {answer.request_id: answer for answer in asyncio.run(work())}


@contextlib.contextmanager
def serving(behave, models=("m",), server=None):
    """The server in a thread, for clients in other processes, with its URL as `url`."""
    server = server or Server(behave, models)
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    started = threading.Event()

    async def work():
        async with server.serve() as server.url:
            started.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(work(),))
    thread.start()
    started.wait()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()

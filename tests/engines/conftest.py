"""A real server that speaks the OpenAI protocol: vLLM with real small weights, as a process of its own."""

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

MAX_MODEL_LEN = 256
START_LIMIT = 300
# As pad_ray/engines/vllm.py sets them for an engine on CPU.
CPU_ENVIRONMENT = {
    "OMP_NUM_THREADS": "2",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_CPU_ATTN_SPLIT_KV": "0",
    "VLLM_CPU_KVCACHE_SPACE": "1",
}


@pytest.fixture(scope="package")
def vllm_server(tmp_path_factory):
    """The base URL of a vLLM that serves smollm2-135m in float32. It polls a core, so it ends with these tests."""
    from pad_ray.models import resolve

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # The same program as `vllm serve`, which vllm-cpu 0.32 breaks: it asks for the version of a package named vllm.
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(resolve("smollm2-135m").path)]
    command += ["--served-model-name", "smollm2-135m", "--host", "127.0.0.1", "--port", str(port), "--dtype", "float32"]
    command += ["--max-model-len", str(MAX_MODEL_LEN), "--max-num-seqs", "16", "--max-num-batched-tokens", "2048"]
    command += ["--enforce-eager", "--block-size", "32", "--no-enable-chunked-prefill", "--disable-log-stats"]
    log = tmp_path_factory.mktemp("vllm") / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            command, env={**os.environ, **CPU_ENVIRONMENT}, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        wait_until_healthy(server, f"http://127.0.0.1:{port}/health", log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(60)


def wait_until_healthy(server, url, log):
    for _ in range(START_LIMIT):
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, TimeoutError):
            try:
                server.wait(1)
            except subprocess.TimeoutExpired:
                continue
            break
    pytest.fail(f"vLLM does not serve {url}:\n{log.read_text()[-4000:]}")

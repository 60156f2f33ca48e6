"""A real server with the OpenAI protocol: vLLM with real small weights in another process."""

import os
import subprocess
import sys

import pytest

from tests.servers import free_ports, wait_until_answers

MAX_MODEL_LEN = 256
START_LIMIT_S = 300
# The variables that pad_ray/engines/vllm.py sets for a CPU engine.
CPU_ENVIRONMENT = {
    "OMP_NUM_THREADS": "2",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_CPU_ATTN_SPLIT_KV": "0",
    "VLLM_CPU_KVCACHE_SPACE": "1",
}


@pytest.fixture(scope="package")
def vllm_server(tmp_path_factory):
    """The base URL of a vLLM server with smollm2-135m in float32. It polls on a core, so it ends with these tests."""
    from pad_ray.models import resolve

    (port,) = free_ports(1)
    # The program behind `vllm serve`, which fails with vllm-cpu 0.32 because it looks up the version of the package vllm.
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
        try:
            wait_until_answers(f"http://127.0.0.1:{port}/health", server, START_LIMIT_S)
        except AssertionError as error:
            pytest.fail(f"{error}:\n{log.read_text()[-4000:]}")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(60)

"""Settings of GPU engines that can be checked without a GPU."""

from pad_ray.engines.vllm import _prepare_gpu


def test_a_gpu_engine_does_not_compile_the_flashinfer_sampler(monkeypatch):
    from vllm import envs

    monkeypatch.setenv("VLLM_USE_FLASHINFER_SAMPLER", "")
    monkeypatch.delenv("VLLM_USE_FLASHINFER_SAMPLER")
    assert envs.VLLM_USE_FLASHINFER_SAMPLER
    _prepare_gpu()
    assert not envs.VLLM_USE_FLASHINFER_SAMPLER

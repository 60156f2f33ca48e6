"""What an engine on a GPU tells vLLM, as far as vLLM says without one that it has heard."""

from pad_ray.engines.vllm import _prepare_gpu


def test_an_engine_on_a_gpu_compiles_no_sampler_of_flashinfer(monkeypatch):
    from vllm import envs

    monkeypatch.setenv("VLLM_USE_FLASHINFER_SAMPLER", "")
    monkeypatch.delenv("VLLM_USE_FLASHINFER_SAMPLER")
    assert envs.VLLM_USE_FLASHINFER_SAMPLER
    _prepare_gpu()
    assert not envs.VLLM_USE_FLASHINFER_SAMPLER

"""One option selects the engine, each kind checks its required fields, and no secret is accepted or shown."""

import pytest
from pydantic import ValidationError

from pad_ray.engines.config import EngineConfig

URL = "http://127.0.0.1:8000/v1"


def complaints(**fields):
    """The messages that a user sees, and the values that they quote."""
    with pytest.raises(ValidationError) as refused:
        EngineConfig(**fields)
    return "; ".join(f"{item['msg']} {item['input']}" for item in refused.value.errors())


def test_a_kind_names_its_missing_fields():
    assert "`base_url`" in complaints(kind="openai")
    assert "`script`" in complaints(kind="scripted")


@pytest.mark.parametrize("key", ["sk-proj-1234", "hf_AbCdEf1234"])
def test_a_key_in_place_of_its_variable_is_rejected_and_not_repeated(key):
    message = complaints(kind="openai", base_url=URL, api_key_env=key)
    assert "never the key itself" in message
    assert key not in message


@pytest.mark.parametrize("url", ["https://user:word@h/v1", "https://h/v1?key=word", "https://h/v1#word"])
def test_a_url_with_a_secret_is_rejected_and_not_repeated(url):
    assert "word" not in complaints(kind="openai", base_url=url).replace("without user, password", "")


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://h/v1", "http:///v1"])
def test_an_invalid_url_is_rejected(url):
    assert "has to be the base URL" in complaints(kind="openai", base_url=url)


def test_an_engine_that_only_waits_for_a_server_reserves_little_cpu():
    assert EngineConfig(kind="openai", base_url=URL).cpus < 0.5
    assert EngineConfig(kind="openai", base_url=URL, cpus=2).cpus == 2
    assert EngineConfig().cpus == 1


def test_a_written_config_reads_back_equal():
    config = EngineConfig(kind="openai", base_url=f"{URL}/", api_key_env="TEACHER_KEY")
    assert EngineConfig(**config.model_dump(mode="json")) == config
    assert (config.base_url, config.host) == (URL, "127.0.0.1:8000")

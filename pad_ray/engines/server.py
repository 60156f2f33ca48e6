"""The client of a server with the OpenAI protocol: its faults in the server's words, and a check before the first block."""

import json
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import openai

from pad_ray.engines.config import EngineConfig
from pad_ray.engines.dialects import UnusableAnswerError, read_answer, server_words
from pad_ray.errors import InputError

CONNECT_TIMEOUT_S = 10.0
PROBE_TIMEOUT_S = 60.0
PROBES = 2
LOST = (502, 503, 504)
"""Statuses of a server, or of the proxy before it, that cannot answer now."""
NO_ROUTE = (0, 404, 405)
"""Statuses of a wrong URL; 0 is an answer that is not JSON."""
NO_CREDIT = re.compile("insufficient.?(quota|credit|balance|funds)|out of credit|billing", re.IGNORECASE)
ENDPOINTS = re.compile(r"/(chat/)?completions/?$|/models/?$")


@dataclass(frozen=True)
class ServerFault:
    """Why a request has no completion.

    Attributes:
        message: the server's words, with the status.
        status: of the HTTP answer; 0 without one.
        of_server: the server failed, not this request.
        lost: the server cannot be reached or cannot answer now.
        no_credit: the account cannot pay for requests.
        signature: equal for faults that are alike; empty if the message says it.
    """

    message: str
    status: int = 0
    of_server: bool = False
    lost: bool = False
    no_credit: bool = False
    signature: str = ""


def open_client(config: EngineConfig, before_request: Callable[[object], Awaitable[None]] | None = None) -> Any:
    """The client; `before_request` is awaited before every attempt. It does not connect yet.

    Raises:
        InputError: the variable with the key is not set, or a variable for proxies or certificates is not usable.
    """
    key = config.api_key()
    # A hook of the HTTP client, so that retries keep the pace too.
    hooks = {"request": [before_request]} if before_request else {}
    try:
        # Untyped: the overloads of its methods do not accept keyword arguments from a dict.
        return openai.AsyncOpenAI(
            api_key=key or "none",
            base_url=config.base_url,
            timeout=openai.Timeout(config.timeout_s, connect=min(CONNECT_TIMEOUT_S, config.timeout_s)),
            max_retries=config.attempts - 1,
            http_client=openai.DefaultAsyncHttpxClient(event_hooks=hooks),
        )
    except (ImportError, OSError, ValueError) as error:
        raise InputError(f"{config.base_url}: no client can be opened: {_client_hint(error)}") from None


def _client_hint(error: Exception) -> str:
    text = " ".join(str(error).split())
    if "socks" in text.lower():
        return f"{text}; a proxy variable names a SOCKS proxy: pip install socksio, or unset ALL_PROXY"
    if isinstance(error, OSError):
        return f"{text}; check SSL_CERT_FILE and SSL_CERT_DIR, which name files with certificates"
    return f"{text}; check HTTP_PROXY, HTTPS_PROXY and ALL_PROXY"


def fault_of(error: Exception, config: EngineConfig) -> ServerFault:
    """The fault behind an exception of the client; its message never shows the key."""
    if isinstance(error, openai.APITimeoutError):
        message = f"no answer within {config.timeout_s:g} s, asked {config.attempts} times"
        return ServerFault(message, of_server=True, signature="timeout")
    if isinstance(error, openai.APIConnectionError):
        message = f"{config.base_url} failed {config.attempts} times: {connection_cause(error, config)}"
        return ServerFault(config.without_key(message), of_server=True, lost=True, signature="connection")
    status = error.status_code if isinstance(error, openai.APIStatusError) else 0
    words = server_words(getattr(error, "body", None)) or " ".join(str(error).split())
    message = config.without_key(f"{status}: {words}" if status else words)
    if status in (401, 403):
        message = f"{config.base_url} {_key_hint(config)} ({message})"
    if status == 402:
        message = f"{config.base_url} cannot be paid: {message}; add credit and run the same command again"
    no_credit = status == 429 and NO_CREDIT.search(words) is not None
    of_server = status >= 500 or status in (401, 402, 403, 408, 409, 429)
    return ServerFault(message, status, of_server, lost=status in LOST, no_credit=no_credit)


def _key_hint(config: EngineConfig) -> str:
    if config.api_key_env is None:
        return "requires a key: set api_key_env to the name of the environment variable that holds it"
    return f"rejects the key in the environment variable {config.api_key_env}: set a key that may use the model"


def connection_cause(error: BaseException, config: EngineConfig) -> str:
    """Why there is no connection, with what to do."""
    causes = list(_causes(error))
    words = next((" ".join(str(one).split()) for one in reversed(causes) if str(one).strip()), type(error).__name__)
    named = " ".join(f"{type(one).__name__} {one}" for one in causes)
    host = config.host
    if any(isinstance(one, ssl.SSLCertVerificationError) for one in causes) or "CERTIFICATE_VERIFY" in named:
        return f"{words}; the certificate is not trusted here: set SSL_CERT_FILE to the file of its authority"
    if any(isinstance(one, ssl.SSLError) for one in causes) or "SSL" in named:
        return f"{words}; the server speaks no TLS on this port: use http:// in base_url, or the port for https"
    if proxy := _proxy(str(config.base_url)):
        return f"{words}; requests go through {proxy}: check HTTP_PROXY, HTTPS_PROXY and ALL_PROXY, or name {host} in NO_PROXY"
    if any(isinstance(one, socket.gaierror) for one in causes) or "Name or service" in named:
        return f"{words}; the host {host} is unknown: check base_url"
    if (
        any(isinstance(one, ConnectionRefusedError) for one in causes)
        or "refused" in named
        or "attempts failed" in named
    ):
        return f"{words}; nothing listens at {host}: start the server, or check base_url"
    return words


def _proxy(url: str) -> str:
    """The proxy that the environment gives for a URL, without its password; empty if there is none."""
    parts, proxies = urlsplit(url), getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all") or ""
    if not proxy or proxy_bypass(str(parts.hostname)):
        return ""
    return f"the proxy {urlsplit(proxy).netloc.rpartition('@')[2] or proxy}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        if isinstance(seen, BaseExceptionGroup):
            yield from seen.exceptions
        seen = seen.__cause__ or seen.__context__


async def probe(config: EngineConfig, *, chat: bool) -> None:
    """Send one request for one token, before a job sends thousands.

    `chat` says which endpoint the job will use. A server that is busy or starting (429, 5xx) passes: the job will wait for it.

    Raises:
        InputError: the server cannot be reached, refuses the request, or does not speak the protocol.
    """
    config = config.model_copy(update={"attempts": PROBES, "timeout_s": PROBE_TIMEOUT_S})
    client = open_client(config)
    arguments: dict[str, Any] = {"model": config.model, "max_tokens": 1, "n": 1}
    try:
        if chat:
            messages = [{"role": "user", "content": "1"}]
            answer = await client.chat.completions.with_raw_response.create(messages=messages, **arguments)
        else:
            answer = await client.completions.with_raw_response.create(prompt="1", **arguments)
        read_answer(json.loads(answer.text), 1)
    except (openai.RateLimitError, openai.InternalServerError, openai.APITimeoutError) as error:
        if NO_CREDIT.search(str(error)):
            raise InputError(f"{config.base_url}: {fault_of(error, config).message}") from None
    except UnusableAnswerError as error:
        # An empty completion of one token is odd, and shows that the server speaks the protocol.
        if "ended the completion" not in str(error):
            raise InputError(f"{config.base_url}: {error}{await _url_hint(config)}") from None
    except (openai.APIError, ValueError) as error:
        fault = fault_of(error, config)
        message = "the answer is not JSON" if isinstance(error, ValueError) else fault.message
        hint = await _url_hint(config) if fault.status in NO_ROUTE and not fault.lost else ""
        where = "" if message.startswith(str(config.base_url)) else f"{config.base_url}: "
        raise InputError(f"{where}{message}{hint}") from None
    finally:
        await client.close()


async def _url_hint(config: EngineConfig) -> str:
    """The URL or the model's name that works instead, as the end of a sentence."""
    url = str(config.base_url)
    short = ENDPOINTS.sub("", url)
    for candidate in dict.fromkeys((short, f"{short}/v1", re.sub(r"/v1$", "", short))):
        models = await _models(config.model_copy(update={"base_url": candidate}))
        if models is None:
            continue
        if candidate != url:
            return f"; a server with the OpenAI protocol answers at {candidate}: set base_url to it"
        if config.model not in models:
            return f"; the server has no model {config.model}: it lists {', '.join(sorted(models)[:10]) or 'none'}"
    return f"; check base_url, which is the part before /completions, such as {urlsplit(url).scheme}://{config.host}/v1"


async def _models(config: EngineConfig) -> list[str] | None:
    """The names of the server's models; None if there is no list of models at this URL."""
    client = open_client(config).with_options(max_retries=0, timeout=CONNECT_TIMEOUT_S)
    try:
        body = json.loads((await client.models.with_raw_response.list()).text)
    except (openai.APIError, ValueError):
        return None
    finally:
        await client.close()
    listed = body.get("data") if isinstance(body, dict) else None
    return (
        [str(one["id"]) for one in listed if isinstance(one, dict) and "id" in one]
        if isinstance(listed, list)
        else None
    )

"""The private names of transformers that this library uses; `tests/test_internals.py` says which an upgrade took away.

transformers publishes neither which class an auto class loads, nor what a class supports.
"""

from typing import Any


def model_class(auto: Any, described: Any) -> Any:
    """The class that an auto class loads for a configuration, or None."""
    return auto._model_mapping.get(type(described), None)


def takes_attention(model: Any) -> bool:
    """Whether a class of models computes attention by a function that can be given, and keeps no other state."""
    return bool(getattr(model, "_supports_attention_backend", False) and not model._is_stateful)


def tied_weights(model: Any) -> set[str]:
    """The names of the weights of a model that are others under a second name."""
    return set(getattr(model, "_tied_weights_keys", None) or ())

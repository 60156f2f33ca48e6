"""All uses of private names of transformers. `tests/test_internals.py` reports names that an upgrade removed.

transformers has no public way to find the class that an auto class loads, or the features of a class.
"""

from typing import Any


def model_class(auto: Any, described: Any) -> Any:
    """The class that an auto class loads for a configuration, or None."""
    return auto._model_mapping.get(type(described), None)


def takes_attention(model: Any) -> bool:
    """Whether a model class supports a custom attention function and keeps no other state between tokens."""
    return bool(getattr(model, "_supports_attention_backend", False) and not model._is_stateful)


def tied_weights(model: Any) -> set[str]:
    """The names of a model's tied weights, which are aliases of other weights."""
    return set(getattr(model, "_tied_weights_keys", None) or ())

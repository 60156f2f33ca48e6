"""Counts in words."""


def counted(count: float, thing: str, things: str | None = None) -> str:
    """`1 engine`, `2 engines`, `0.5 CPUs`; `things` is the plural if it is not `thing` with an s."""
    return f"{count:.12g} {thing if count == 1 else things or f'{thing}s'}"

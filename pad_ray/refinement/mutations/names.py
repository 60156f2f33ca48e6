"""Names that are undefined (NameError), or not yet assigned (UnboundLocalError)."""

import ast
from collections.abc import Iterator
from random import Random

from pad_ray.refinement.mutations.mutation import shuffled
from pad_ray.refinement.source import BUILTINS, Source, Span, assigned_name, blocks

RESULT_NAMES = ("result", "answer", "total", "final_answer", "final_result", "total_amount", "total_cost")
AUGMENTED = ("+=", "-=", "*=")


def delete_assignment(source: Source, random: Random) -> Iterator[str]:
    """Delete a line that binds a name, if the name is bound nowhere else and read later."""
    read_names = {
        node.id for node in ast.walk(source.tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    line_spans = []
    for block in blocks(source.tree.body):
        for statement in block:
            name, lines = assigned_name(statement), source.own_lines(statement)
            if len(block) > 1 and lines and name in read_names and _bound_here_only(source, name):
                line_spans.append(lines)
    for lines in shuffled(random, line_spans):
        yield source.replaced((lines, ""))


def rename_read(source: Source, random: Random) -> Iterator[str]:
    """Misspell one read of a name."""
    reads = [
        node
        for node in source.nodes
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in source.bindings
    ]
    for node in shuffled(random, reads):
        for name in shuffled(random, near_misses(node.id)):
            if source.is_free(name):
                yield source.replaced((source.span(node), name))


def return_unassigned(source: Source, random: Random) -> Iterator[str]:
    """Return a typical name of a result that was never assigned."""
    for span in shuffled(random, source.returned):
        for name in shuffled(random, RESULT_NAMES):
            if source.is_free(name):
                yield source.replaced((span, name))


def move_below_first_read(source: Source, random: Random) -> Iterator[str]:
    """Move an assignment below the first statement that reads its name."""
    body = source.solution.body if source.solution else []
    # Skip blocks of one statement, such as each `elif`: they have nothing to move, but may contain the rest of a long program.
    pairs = [pair for block in blocks(body) if len(block) > 1 for pair in _movable(source, block)]
    for lines, target in shuffled(random, pairs):
        line = source.at(lines).rstrip("\n")
        # The last line of a program may have no line end.
        moved = f"{line}\n" if source.at(target).endswith("\n") else f"\n{line}"
        yield source.replaced((lines, ""), (Span(target.end, target.end), moved))


def make_augmented(source: Source, random: Random) -> Iterator[str]:
    """Make the first assignment to a name augmented, although the name has no value yet."""
    places = []
    for node in source.own_nodes:
        if isinstance(node, ast.Assign) and _bound_here_only(source, assigned_name(node)):
            place = source.operator(node.targets[0], node.value, "=")
            if place is not None:
                places.append(place)
    for place in shuffled(random, places):
        for symbol in shuffled(random, AUGMENTED):
            yield source.replaced((place, symbol))


def near_misses(name: str) -> list[str]:
    """Likely misspellings of a name: a word missing or moved, singular for plural, a typing error."""
    words = name.split("_")
    misspellings = [name[:-1] if name.endswith("s") else f"{name}s", f"total_{name}", f"{name}_total"]
    if len(words) > 1:
        misspellings += ["_".join(words[:place] + words[place + 1 :]) for place in range(len(words))]
        misspellings += [
            "_".join([*words[:place], words[place + 1], words[place], *words[place + 2 :]])
            for place in range(len(words) - 1)
        ]
        misspellings.append("".join(words))
    if len(name) > 3:
        misspellings += [name[:place] + name[place + 1 :] for place in (1, len(name) // 2, len(name) - 2)]
    return [near for near in dict.fromkeys(misspellings) if near != name]


def _bound_here_only(source: Source, name: str | None) -> bool:
    return name is not None and source.bindings[name] == 1 and name not in BUILTINS


def _movable(source: Source, block: list[ast.stmt]) -> Iterator[tuple[Span, Span]]:
    """The lines of each movable assignment in a block, with the lines of the first statement that reads its name.

    Excludes cases with a different error: a name bound twice, or a read in an inner function or a comprehension. Also
    excludes reads in a `return`, after which nothing runs.
    """
    first_reader: dict[str, ast.stmt] = {}
    for statement in reversed(block):
        name, reader = assigned_name(statement), None
        if name is not None and _bound_here_only(source, name):
            reader = first_reader.get(name)
        if reader is not None and not isinstance(reader, ast.Return) and _reads_in_own_scope(source, reader, name):
            lines, target = source.own_lines(statement), source.own_lines(reader)
            if lines and target:
                yield lines, target
        for node in ast.walk(statement):
            if isinstance(node, ast.Name):
                first_reader[node.id] = statement


def _reads_in_own_scope(source: Source, reader: ast.stmt, name: str | None) -> bool:
    reads = [node for node in ast.walk(reader) if isinstance(node, ast.Name) and node.id == name]
    return all(id(node) in source.own_ids for node in reads)

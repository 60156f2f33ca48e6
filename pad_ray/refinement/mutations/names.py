"""Names that are not there (NameError), or not there yet (UnboundLocalError)."""

import ast
from collections.abc import Iterator
from random import Random

from pad_ray.refinement.mutations.mutation import shuffled
from pad_ray.refinement.source import BUILTINS, Source, Span, assigned_name, blocks

RESULT_NAMES = ("result", "answer", "total", "final_answer", "final_result", "total_amount", "total_cost")
AUGMENTED = ("+=", "-=", "*=")


def delete_assignment(source: Source, random: Random) -> Iterator[str]:
    """A line that binds a name is missing; the name is bound nowhere else and read later."""
    read = {node.id for node in ast.walk(source.tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    found = []
    for block in blocks(source.tree.body):
        for statement in block:
            name, lines = assigned_name(statement), source.own_lines(statement)
            if len(block) > 1 and lines and name in read and _bound_here_only(source, name):
                found.append(lines)
    for lines in shuffled(random, found):
        yield source.replaced((lines, ""))


def rename_read(source: Source, random: Random) -> Iterator[str]:
    """One read of a name is written a little differently."""
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
    """The function returns a name, usual for a result, that was never assigned."""
    for span in shuffled(random, source.returned):
        for name in shuffled(random, RESULT_NAMES):
            if source.is_free(name):
                yield source.replaced((span, name))


def move_below_first_read(source: Source, random: Random) -> Iterator[str]:
    """An assignment stands behind the first statement that reads its name."""
    body = source.solution.body if source.solution else []
    # A block of one statement, as each `elif` is, moves nothing and may hold all the rest of a long program.
    found = [pair for block in blocks(body) if len(block) > 1 for pair in _movable(source, block)]
    for lines, target in shuffled(random, found):
        line = source.at(lines).rstrip("\n")
        # The last line of a program may have no end.
        moved = f"{line}\n" if source.at(target).endswith("\n") else f"\n{line}"
        yield source.replaced((lines, ""), (Span(target.end, target.end), moved))


def make_augmented(source: Source, random: Random) -> Iterator[str]:
    """The first assignment to a name adds to it, although it has no value yet."""
    found = []
    for node in source.own_nodes:
        if isinstance(node, ast.Assign) and _bound_here_only(source, assigned_name(node)):
            place = source.operator(node.targets[0], node.value, "=")
            if place is not None:
                found.append(place)
    for place in shuffled(random, found):
        for symbol in shuffled(random, AUGMENTED):
            yield source.replaced((place, symbol))


def near_misses(name: str) -> list[str]:
    """Names that are easily written for this one: a word missing or moved, singular for plural, a slip of the pen."""
    words = name.split("_")
    found = [name[:-1] if name.endswith("s") else f"{name}s", f"total_{name}", f"{name}_total"]
    if len(words) > 1:
        found += ["_".join(words[:place] + words[place + 1 :]) for place in range(len(words))]
        found += [
            "_".join([*words[:place], words[place + 1], words[place], *words[place + 2 :]])
            for place in range(len(words) - 1)
        ]
        found.append("".join(words))
    if len(name) > 3:
        found += [name[:place] + name[place + 1 :] for place in (1, len(name) // 2, len(name) - 2)]
    return [near for near in dict.fromkeys(found) if near != name]


def _bound_here_only(source: Source, name: str | None) -> bool:
    return name is not None and source.bindings[name] == 1 and name not in BUILTINS


def _movable(source: Source, block: list[ast.stmt]) -> Iterator[tuple[Span, Span]]:
    """The lines of assignments in a block, each with the lines of the first statement that reads its name.

    Left out is what fails otherwise: a name bound twice, a read in an inner function or a comprehension. Behind a
    `return` nothing runs.
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

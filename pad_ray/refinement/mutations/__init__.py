"""All mutations, with the outcome at which each aims."""

from collections.abc import Iterator
from random import Random

from pad_ray.refinement.mutations import crashes, names, syntax, values
from pad_ray.refinement.mutations.mutation import Mutation
from pad_ray.refinement.source import Source
from pad_ray.schema import Outcome, content_id

MUTATIONS = (
    Mutation("delete_assignment", Outcome.NAME_ERROR, names.delete_assignment),
    Mutation("rename_read", Outcome.NAME_ERROR, names.rename_read),
    Mutation("return_unassigned", Outcome.NAME_ERROR, names.return_unassigned),
    Mutation("move_below_first_read", Outcome.UNBOUND_LOCAL, names.move_below_first_read),
    Mutation("make_augmented", Outcome.UNBOUND_LOCAL, names.make_augmented),
    Mutation("drop_bracket_or_colon", Outcome.SYNTAX_ERROR, syntax.drop_bracket_or_colon),
    Mutation("break_indentation", Outcome.SYNTAX_ERROR, syntax.break_indentation),
    Mutation("join_lines", Outcome.SYNTAX_ERROR, syntax.join_lines),
    Mutation("drop_operand", Outcome.SYNTAX_ERROR, syntax.drop_operand),
    Mutation("number_to_text", Outcome.TYPE_ERROR, crashes.number_to_text),
    Mutation("zero_divisor", Outcome.ZERO_DIVISION, crashes.zero_divisor),
    Mutation("swap_operator", Outcome.WRONG_ANSWER, values.swap_operator),
    Mutation("swap_operands", Outcome.WRONG_ANSWER, values.swap_operands),
    Mutation("replace_constant", Outcome.WRONG_ANSWER, values.replace_constant),
    Mutation("drop_step", Outcome.WRONG_ANSWER, values.drop_step),
    Mutation("another_variable", Outcome.WRONG_ANSWER, values.another_variable),
    Mutation("return_another_variable", Outcome.WRONG_ANSWER, values.return_another_variable),
)
CLASSES = tuple(dict.fromkeys(mutation.aim for mutation in MUTATIONS))
"""The outcomes at which mutations aim."""

__all__ = ["CLASSES", "MUTATIONS", "Mutation", "variants"]


def variants(source: Source, mutation: Mutation, seed: int) -> Iterator[str]:
    """The variants of a program by one mutation, in an order that depends only on program, mutation and seed."""
    random = Random(content_id("mutate", seed, mutation.name, source.text))
    # Some mutations change nothing, such as swapping equal operands.
    return (text for text in mutation.propose(source, random) if text != source.text)

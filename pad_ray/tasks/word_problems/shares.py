"""Shares: items divided between people, boxes or bags."""

from fractions import Fraction

from pad_ray.tasks.word_problems.template import Family, Template

TEMPLATES = (
    Template(
        name="full_boxes_given",
        family=Family.SHARES,
        steps=3,
        text="{name} packs {total} {things} equally into {boxes} boxes. {They} gives {given} of the full boxes "
        "to {other}. How many {things} does {name} still have?",
        draw=lambda roll: {"boxes": (boxes := roll(4, 15)), "total": boxes * roll(5, 40), "given": roll(2, boxes - 1)},
        solve=lambda boxes, total, given: Fraction(total * (boxes - given), boxes),
        program="""
    total_items = {total}
    boxes = {boxes}
    boxes_given = {given}
    items_per_box = total_items / boxes
    boxes_left = boxes - boxes_given
    result = items_per_box * boxes_left
""",
    ),
    Template(
        name="unequal_halves",
        family=Family.SHARES,
        steps=2,
        text="{name} and {other} buy {total} {things} at {shop} and share all of them. {other} takes {more} more "
        "than {name} does. How many {things} does {name} get?",
        draw=lambda roll: {"more": (more := roll(2, 30)), "total": more + 2 * roll(4, 80)},
        solve=lambda more, total: Fraction(total - more, 2),
        program="""
    total_items = {total}
    extra_items = {more}
    items_shared_evenly = total_items - extra_items
    result = items_shared_evenly / 2
""",
    ),
    Template(
        name="bags_between_children",
        family=Family.SHARES,
        steps=2,
        text="The {group} buys {bags} bags of {things} at {shop}. Each bag holds {each} {things}. The {children} "
        "children of the group share all the {things} equally. How many {things} does each child get?",
        draw=lambda roll: {"bags": roll(3, 24), "each": roll(4, 36), "children": roll(4, 24)},
        solve=lambda bags, each, children: Fraction(bags * each, children),
        program="""
    bags = {bags}
    items_per_bag = {each}
    children = {children}
    total_items = bags * items_per_bag
    result = total_items / children
""",
    ),
    Template(
        name="prize_in_ratio",
        family=Family.SHARES,
        steps=3,
        text="{name} and {other} win a prize of {total} dollars with the {group}. They split it in the ratio "
        "{first} to {second}, with {name} getting the first share. How many dollars does {name} get?",
        draw=lambda roll: {
            "first": (first := roll(2, 9)),
            "second": (second := first + roll(1, 5)),
            "total": (first + second) * roll(5, 60),
        },
        solve=lambda first, second, total: Fraction(total * first, first + second),
        program="""
    prize = {total}
    first_parts = {first}
    second_parts = {second}
    all_parts = first_parts + second_parts
    dollars_per_part = prize / all_parts
    result = dollars_per_part * first_parts
""",
    ),
    Template(
        name="half_of_the_rest",
        family=Family.SHARES,
        steps=3,
        text="{name} collects {total} {things}. {They} keeps 1/{parts} of them and gives half of the rest to "
        "{other} and the other half to {third}. How many {things} does {other} get?",
        draw=lambda roll: {"parts": (parts := roll(3, 9)), "total": parts * 2 * roll(3, 40)},
        solve=lambda parts, total: Fraction(total * (parts - 1), parts * 2),
        program="""
    total_items = {total}
    items_kept = total_items / {parts}
    rest = total_items - items_kept
    result = rest / 2
""",
    ),
    Template(
        name="left_over",
        family=Family.SHARES,
        steps=2,
        text="{name} bakes {trays} trays of {each} rolls. {They} puts {bag} rolls into each paper bag and fills "
        "as many bags as possible for the {group}. How many rolls are left over?",
        draw=lambda roll: {"trays": roll(3, 15), "each": roll(8, 36), "bag": roll(5, 19)},
        solve=lambda trays, each, bag: trays * each - bag * (trays * each // bag),
        program="""
    trays = {trays}
    rolls_per_tray = {each}
    rolls_per_bag = {bag}
    total_rolls = trays * rolls_per_tray
    result = total_rolls % rolls_per_bag
""",
    ),
)

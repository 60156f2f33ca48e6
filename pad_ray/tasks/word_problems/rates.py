"""Rates: an amount per unit of time."""

from fractions import Fraction

from pad_ray.tasks.word_problems.template import Family, Template

TEMPLATES = (
    Template(
        name="pages_an_evening",
        family=Family.RATES,
        steps=1,
        text="{name} found a novel at {shop}. It has {total} pages, and {they} reads {pages} pages of it every "
        "evening. How many evenings does {name} need to finish the novel?",
        draw=lambda roll: {"pages": (pages := roll(8, 45)), "total": pages * roll(4, 30)},
        solve=lambda pages, total: Fraction(total, pages),
        program="""
    pages_in_novel = {total}
    pages_per_evening = {pages}
    result = pages_in_novel / pages_per_evening
""",
    ),
    Template(
        name="packing_machine",
        family=Family.RATES,
        steps=2,
        text="A machine packs {rate} {things} every minute. It runs for {morning} minutes in the morning and for "
        "{afternoon} minutes in the afternoon. How many {things} does it pack that day?",
        draw=lambda roll: {"rate": roll(6, 60), "morning": roll(15, 120), "afternoon": roll(15, 120)},
        solve=lambda rate, morning, afternoon: rate * morning + rate * afternoon,
        program="""
    packed_per_minute = {rate}
    minutes_in_morning = {morning}
    minutes_in_afternoon = {afternoon}
    minutes = minutes_in_morning + minutes_in_afternoon
    result = packed_per_minute * minutes
""",
    ),
    Template(
        name="cycle_and_walk",
        family=Family.RATES,
        steps=2,
        text="{name} cycles towards {place} at {speed} kilometres per hour for {hours} hours and then walks the "
        "last {walk} kilometres. How many kilometres does {they} travel altogether?",
        draw=lambda roll: {"speed": roll(10, 28), "hours": roll(2, 6), "walk": roll(2, 9)},
        solve=lambda speed, hours, walk: speed * hours + walk,
        program="""
    speed = {speed}
    hours = {hours}
    kilometres_walked = {walk}
    kilometres_cycled = speed * hours
    result = kilometres_cycled + kilometres_walked
""",
    ),
    Template(
        name="leaking_tank",
        family=Family.RATES,
        steps=3,
        text="{name}'s garden tank contains {start} litres of water. A pump adds {fill} litres every minute "
        "while a crack loses {leak} litres every minute. How many litres are in the tank after {minutes} minutes?",
        draw=lambda roll: {
            "start": 5 * roll(4, 60),
            "leak": (leak := roll(1, 6)),
            "fill": leak + roll(2, 12),
            "minutes": roll(4, 40),
        },
        solve=lambda start, leak, fill, minutes: start + minutes * fill - minutes * leak,
        program="""
    litres_at_start = {start}
    litres_added_per_minute = {fill}
    litres_lost_per_minute = {leak}
    minutes = {minutes}
    net_litres_per_minute = litres_added_per_minute - litres_lost_per_minute
    litres_gained = net_litres_per_minute * minutes
    result = litres_at_start + litres_gained
""",
    ),
    Template(
        name="same_speed",
        family=Family.RATES,
        steps=2,
        text="{name} can paint {panels} fence panels in {hours} hours. Working at the same speed, how many fence "
        "panels can {they} paint in {more} hours for {their} friend {other}?",
        draw=lambda roll: {"hours": (hours := roll(2, 9)), "panels": hours * roll(2, 14), "more": hours + roll(1, 12)},
        solve=lambda hours, panels, more: Fraction(panels * more, hours),
        program="""
    panels_painted = {panels}
    hours_worked = {hours}
    hours_available = {more}
    panels_per_hour = panels_painted / hours_worked
    result = panels_per_hour * hours_available
""",
    ),
    Template(
        name="together_then_alone",
        family=Family.RATES,
        steps=4,
        text="{name} folds {first} paper cranes per hour and {other} folds {second} per hour. They work together "
        "for {hours} hours, and then {other} works alone for {alone} more hours. How many paper cranes do they fold "
        "in total?",
        draw=lambda roll: {"first": roll(6, 30), "second": roll(6, 30), "hours": roll(2, 6), "alone": roll(2, 6)},
        solve=lambda first, second, hours, alone: first * hours + second * (hours + alone),
        program="""
    first_per_hour = {first}
    second_per_hour = {second}
    hours_together = {hours}
    hours_alone = {alone}
    cranes_per_hour_together = first_per_hour + second_per_hour
    cranes_together = cranes_per_hour_together * hours_together
    cranes_alone = second_per_hour * hours_alone
    result = cranes_together + cranes_alone
""",
    ),
)

"""Distractors: several steps, and a number in the text that is not needed for the answer."""

from fractions import Fraction

from pad_ray.tasks.word_problems.template import Family, Template

TEMPLATES = (
    Template(
        name="packs_and_age",
        family=Family.DISTRACTORS,
        steps=3,
        text="{name}, who is {age} years old, buys {packs} packs of {things} with {each} {things} in each pack. "
        "{They} gives {given} {things} to {other} and loses {lost}. How many {things} does {name} have left from "
        "these packs?",
        draw=lambda roll: {
            "age": roll(8, 16),
            "packs": (packs := roll(3, 12)),
            "each": (each := roll(6, 24)),
            "given": (given := roll(3, packs * each // 2)),
            "lost": roll(1, packs * each - given - 1),
        },
        solve=lambda age, packs, each, given, lost: packs * each - given - lost,
        program="""
    packs = {packs}
    items_per_pack = {each}
    items_given = {given}
    items_lost = {lost}
    items_bought = packs * items_per_pack
    items_after_gift = items_bought - items_given
    result = items_after_gift - items_lost
""",
        unused=("age",),
    ),
    Template(
        name="bus_line",
        family=Family.DISTRACTORS,
        steps=3,
        text="Bus number {line} leaves {place} with {start} passengers. At the first stop {off} passengers get "
        "off and {on} get on. At the second stop {later} more passengers get off. How many passengers are on the bus "
        "now?",
        draw=lambda roll: {
            "line": roll(11, 99),
            "start": (start := roll(15, 60)),
            "off": (off := roll(2, start - 5)),
            "on": (on := roll(2, 20)),
            "later": roll(1, start - off + on - 1),
        },
        solve=lambda line, start, off, on, later: start + on - off - later,
        program="""
    passengers_at_start = {start}
    first_stop_off = {off}
    first_stop_on = {on}
    second_stop_off = {later}
    after_leaving = passengers_at_start - first_stop_off
    after_first_stop = after_leaving + first_stop_on
    result = after_first_stop - second_stop_off
""",
        unused=("line",),
    ),
    Template(
        name="orchard",
        family=Family.DISTRACTORS,
        steps=3,
        text="{name}'s orchard, {distance} kilometres from {place}, has {rows} rows of {trees} apple trees. Each "
        "tree gives {kilograms} kilograms of apples, which sell for {price} dollars per kilogram. How many dollars do "
        "all the apples bring?",
        draw=lambda roll: {
            "distance": roll(2, 40),
            "rows": roll(3, 12),
            "trees": roll(4, 20),
            "kilograms": roll(15, 60),
            "price": roll(2, 5),
        },
        solve=lambda distance, rows, trees, kilograms, price: rows * trees * kilograms * price,
        program="""
    rows = {rows}
    trees_per_row = {trees}
    kilograms_per_tree = {kilograms}
    price_per_kilogram = {price}
    trees = rows * trees_per_row
    kilograms = trees * kilograms_per_tree
    result = kilograms * price_per_kilogram
""",
        unused=("distance",),
    ),
    Template(
        name="commute_fuel",
        family=Family.DISTRACTORS,
        steps=5,
        text="{name} drives {distance} kilometres to work, which takes {minutes} minutes, and the same way back, "
        "on {days} days a week. The car uses {litres} litres of fuel per 100 kilometres. How many litres does {they} "
        "use for this in {weeks} weeks?",
        draw=lambda roll: {
            "distance": 5 * roll(1, 12),
            "minutes": roll(15, 75),
            "days": roll(3, 6),
            "litres": roll(4, 9),
            "weeks": roll(2, 10),
        },
        solve=lambda distance, minutes, days, litres, weeks: Fraction(2 * distance * days * weeks * litres, 100),
        program="""
    distance_to_work = {distance}
    days_per_week = {days}
    litres_per_100_kilometres = {litres}
    weeks = {weeks}
    kilometres_per_day = 2 * distance_to_work
    kilometres_per_week = kilometres_per_day * days_per_week
    kilometres = kilometres_per_week * weeks
    hundreds_of_kilometres = kilometres / 100
    result = hundreds_of_kilometres * litres_per_100_kilometres
""",
        unused=("minutes",),
        whole=False,
    ),
    Template(
        name="tulip_bunches",
        family=Family.DISTRACTORS,
        steps=3,
        text="In a garden {length} metres long, {name} plants {rows} rows of {each} tulips. {failed} of the "
        "tulips do not flower. {They} cuts all the others and ties them into bunches of {bunch}. How many bunches "
        "does {they} get?",
        draw=lambda roll: {
            "length": roll(8, 50),
            "rows": (rows := roll(4, 18)),
            "each": (each := roll(12, 30)),
            "bunch": (bunch := roll(4, 12)),
            "failed": (rows * each) % bunch + bunch,
        },
        solve=lambda length, rows, each, bunch, failed: Fraction(rows * each - failed, bunch),
        program="""
    rows = {rows}
    tulips_per_row = {each}
    failed = {failed}
    bunch_size = {bunch}
    tulips = rows * tulips_per_row
    flowering = tulips - failed
    result = flowering / bunch_size
""",
        unused=("length",),
    ),
    Template(
        name="hotel_breakfast",
        family=Family.DISTRACTORS,
        steps=4,
        text="{name}'s hotel, built in {year}, has {floors} floors with {rooms} rooms each. Tonight {empty} rooms are "
        "empty and {guests} guests sleep in each of the remaining rooms. Breakfast costs {price} dollars per guest. "
        "How many dollars do the breakfasts of all the guests cost?",
        draw=lambda roll: {
            "year": roll(1890, 2015),
            "floors": (floors := roll(3, 9)),
            "rooms": (rooms := roll(6, 20)),
            "empty": roll(2, floors * rooms // 2),
            "guests": roll(2, 3),
            "price": roll(6, 18),
        },
        solve=lambda year, floors, rooms, empty, guests, price: (floors * rooms - empty) * guests * price,
        program="""
    floors = {floors}
    rooms_per_floor = {rooms}
    empty_rooms = {empty}
    guests_per_room = {guests}
    breakfast_price = {price}
    total_rooms = floors * rooms_per_floor
    occupied_rooms = total_rooms - empty_rooms
    guests = occupied_rooms * guests_per_room
    result = guests * breakfast_price
""",
        unused=("year",),
    ),
)

"""The words that fill a template's placeholders: people with their pronouns, countable things, places."""

from random import Random

_WOMEN = """
Ada Alma Amara Anna Beth Carla Chloe Clara Daria Elena Ella Emma Fatima Farah Grace Hana Hannah Ines Iris Ivy Jane
Julia Kira Laila Lena Lily Lucia Maria Maya Mei Mia Mina Nadia Naomi Nina Nora Olga Olivia Paula Priya Rosa Ruth Sara
Sofia Tara Vera Yara Zoe
"""
_MEN = """
Adam Ahmed Alan Amir Ben Boris Carlos Chen Daniel David Diego Elias Emil Erik Felix George Hassan Hugo Ian Isaac Ivan
Jack Jonas Jorge Karim Kevin Leo Liam Lucas Marco Martin Max Mateo Nathan Noah Oliver Omar Oscar Pablo Paul Pedro Ravi
Samuel Simon Tom Victor Walter Yuri
"""
_THINGS = """
apples badges balloons bananas beads biscuits bookmarks buttons candles carrots cherries chestnuts coins cookies
crayons cupcakes dumplings erasers figs flags keyrings kites lanterns lemons magnets marbles muffins notebooks oranges
paintbrushes peaches pears pebbles pencils pens pins plums postcards posters potatoes puzzles ribbons rulers shells
stamps stickers strawberries tomatoes toys tulips walnuts whistles
"""
_SHOPS = """
the bakery, the book fair, the corner shop, the craft market, the farm shop, the flea market, the garden centre, the
harbour market, the museum shop, the night market, the school fair, the station kiosk, the summer fair, the toy shop,
the village store, the winter market
"""
_PLACES = """
the beach, the bridge, the castle, the coast, the farm, the forest, the harbour, the lake, the library, the
lighthouse, the mill, the museum, the old tower, the park, the river, the sports hall, the station, the valley, the
waterfall, the zoo
"""
_GOODS = """
backpack, bicycle, board game, camera, chair, desk lamp, drone, guitar, helmet, jacket, keyboard, microscope, mirror,
printer, radio, scooter, skateboard, sleeping bag, telescope, tent, violin, watch
"""
_GROUPS = """
art club, astronomy club, chess club, choir, cooking class, cycling club, dance class, debating club, drama group,
gardening club, hiking club, photo club, reading group, sailing school, science club, ski school, swimming club,
tennis club, theatre group, youth orchestra
"""

PEOPLE = [(name, "she", "her") for name in _WOMEN.split()] + [(name, "he", "his") for name in _MEN.split()]
THINGS = _THINGS.split()


def _phrases(text: str) -> list[str]:
    return [" ".join(phrase.split()) for phrase in text.split(",")]


SHOPS, PLACES, GOODS, GROUPS = _phrases(_SHOPS), _phrases(_PLACES), _phrases(_GOODS), _phrases(_GROUPS)


def draw_words(random: Random) -> dict[str, str]:
    """The drawn words of one question: three different people, two different things, and one of every other list."""
    (name, they, their), (other, _, _), (third, _, _) = random.sample(PEOPLE, 3)
    thing, other_thing = random.sample(THINGS, 2)
    return {
        "name": name,
        "they": they,
        "They": they.capitalize(),
        "their": their,
        "Their": their.capitalize(),
        "other": other,
        "third": third,
        "things": thing,
        "other_things": other_thing,
        "shop": random.choice(SHOPS),
        "place": random.choice(PLACES),
        "good": random.choice(GOODS),
        "group": random.choice(GROUPS),
    }

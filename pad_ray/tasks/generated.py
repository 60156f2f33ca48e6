"""Common parts of generated splits: disjoint splits by content, seeded streams, and names absent from published questions."""

from collections.abc import Iterator
from random import Random

import xxhash

# The published coin flip and last letters questions use about 1,700 first names; none of these is among them.
_NAMES = """
Aldric Anselm Ambrose Ansgar Aoife Arvid Asger Astor Balint Bartek Basil Benedikt Birgit Bodil Boaz Bram Branimir
Brigid Caius Calliope Caspian Cedar Ciaran Cormac Cosima Cyprian Dagmar Dagny Declan Dimitri Dorothea Dragan Eamon
Edda Edmund Eero Eilidh Einar Eirik Elowen Emeka Emrys Endre Enoch Erasmus Esmond Eszter Eudora Evander Ezra Fabrizio
Fenwick Fergus Finnian Fionn Fritz Freya Frida Gareth Gavril Gerrit Ghislain Gideon Gunnar Gustaf Hadrian Halvard
Hamish Harald Hedda Hedvig Heike Helga Henrik Hideo Hiroshi Holger Ibrahim Idris Ilse Imogen Ingmar Inigo Iolanthe
Isolde Ivar Jarvis Jasper Jelena Jiro Jorgen Jozef Kaito Kasimir Kazimir Kenji Klaus Knut Kofi Konrad Kwame Lachlan
Laszlo Leif Leopold Linus Lior Lothar Ludwig Lysander Maeve Magnus Malachi Marek Matthias Merlin Mirek Moritz Nadja
Nils Niamh Nkechi Oberon Odette Olaf Oleander Olwen Ophelia Orla Orson Oskar Otis Ottilie Padraig Percival Perpetua
Phineas Piers Piotr Quillon Radek Ragnar Ragnhild Rainer Reinhold Roisin Rolf Rowan Rufus Rupert Saoirse Seamus
Seraphina Sigrid Silas Siobhan Solveig Soren Stellan Svea Sven Tadeusz Takeshi Tamsin Tariku Thaddeus Theobald Thora
Thorsten Tobiah Tomasz Torben Tove Ulf Ulrich Ulrika Urban Valdemar Vaclav Viggo Viktor Vilhelm Waldo Walburga
Wendelin Wilfred Wilhelm Wolfgang Xanthe Xerxes Yannick Yngve Yorick Yusuf Zbigniew Zdenek Zelda Zenobia Zoltan Zuzana
"""
NAMES = _NAMES.split()


def split_of(*content: object) -> str:
    """The split of some content, independent of the seed: a tenth test, a tenth validation, the rest train."""
    return {0: "test", 1: "validation"}.get(xxhash.xxh64_intdigest(repr(content).encode()) % 10, "train")


def stream(task: str, split: str, seed: int) -> Random:
    """The random numbers of a generated split; identical on every machine and Python version."""
    return Random(f"{task}:{split}:{seed}")


def four_names(task: str, split: str, random: Random) -> Iterator[tuple[str, ...]]:
    """Endless tuples of four different names; no tuple occurs twice."""
    seen = set()
    while True:
        names = tuple(random.sample(NAMES, 4))
        if names not in seen and split_of(task, names) == split:
            seen.add(names)
            yield names

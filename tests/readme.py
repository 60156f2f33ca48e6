"""What the READMEs hold: their blocks and commands, and their examples as files."""

import json
import re
from typing import NamedTuple

from tests.jobs.conftest import REPOSITORY

FOLDERS = ("jobs", "cluster", "pad_ray")
READMES = {
    path.relative_to(REPOSITORY).as_posix(): path.read_text()
    for path in [REPOSITORY / "README.md", *sorted(p for top in FOLDERS for p in (REPOSITORY / top).rglob("README.md"))]
}
README = READMES["README.md"]
# Its commands are for machines that are not here: tests/cluster/test_commands.py reads them.
CLUSTER = "cluster/README.md"


class Block(NamedTuple):
    """A block of code; the language is empty for commands, what they print, and drawings."""

    readme: str
    language: str
    text: str


BLOCKS = [
    Block(readme, language, block)
    for readme, text in READMES.items()
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
]


def commands(readmes=tuple(name for name in READMES if name != CLUSTER)):
    """Every command line of a block, without what follows a comment sign, and every command within the text."""
    lines = [
        line for block in BLOCKS if block.readme in readmes and not block.language for line in block.text.splitlines()
    ]
    for name in readmes:
        lines += [" ".join(words.split()) for words in re.findall(r"(?<!`)`([^`]+)`(?!`)", READMES[name])]
    return sorted({line.split("  #")[0].strip() for line in lines if re.match(r"(make|python|ray) ", line)})


def named_files():
    """The blocks that are files: their first line is a comment with their name."""
    found = [(re.match(r"# ([\w-]+\.(?:py|yaml))\n", block.text), block.text) for block in BLOCKS]
    return {name[1]: text for name, text in found if name}


def write_own_parts(folder):
    """The examples as a user has them in a working directory, with questions like the one that the README shows."""
    folder.mkdir(exist_ok=True)
    for name, text in named_files().items():
        (folder / name).write_text(text)
    (folder / "data" / "chores").mkdir(parents=True)
    for split, first in (("train", 3), ("test", 60)):
        asked = [(n, f"Ann washes {n} plates and {n + 1} cups. How many is that?") for n in range(first, first + 30)]
        rows = [json.dumps({"question": text, "answer": 2 * n + 1}) for n, text in asked]
        (folder / "data" / "chores" / f"{split}.jsonl").write_text("\n".join(rows) + "\n")
    return folder

"""What the README holds: its blocks, and its examples as files."""

import json
import re

from tests.jobs.conftest import REPOSITORY

README = (REPOSITORY / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands():
    """Every command line of a block, without what follows a comment sign, and every command within the text."""
    lines = [line for language, text in BLOCKS if not language for line in text.splitlines()]
    lines += [" ".join(words.split()) for words in re.findall(r"(?<!`)`([^`]+)`(?!`)", README)]
    return sorted({line.split("  #")[0].strip() for line in lines if re.match(r"(make|python|ray) ", line)})


def named_files():
    """The blocks that are files: their first line is a comment with their name."""
    found = [(re.match(r"# ([\w-]+\.(?:py|yaml))\n", text), text) for _, text in BLOCKS]
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

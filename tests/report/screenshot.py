"""Take a screenshot such as README.png: python -m tests.report.screenshot PAGE FILE [--width W] [--height H] [--dark]"""

import argparse
import asyncio
import tempfile
from pathlib import Path

from tests.report.browser import CHROMIUM, chromium


async def take(page: Path, file: Path, width: int, height: int, scheme: str) -> None:
    # Chromium may still write into its profile while it ends.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        async with chromium(Path(profile)) as tab:
            await tab.open(page.absolute())
            await tab.screenshot(file, width, height, scheme)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path, help="an HTML file")
    parser.add_argument("file", type=Path, help="the PNG that is written")
    parser.add_argument("--width", type=int, default=1000, help="pixels; below 600 the page is shown as on a phone")
    parser.add_argument("--height", type=int, default=1340, help="pixels from the top")
    parser.add_argument("--dark", action="store_true", help="in dark colours")
    given = parser.parse_args()
    if not given.page.is_file():
        parser.error(f"{given.page} is not there")
    if CHROMIUM is None:
        parser.error("there is no Chromium here; install it as `chromium`")
    asyncio.run(take(given.page, given.file, given.width, given.height, "dark" if given.dark else "light"))


if __name__ == "__main__":
    main()

"""The pages in a browser: no complaints, no requests, and working search and filters."""

import asyncio
import shutil

import pytest

from pad_ray.report import render
from tests.report.browser import CHROMIUM, chromium
from tests.report.test_page import edit

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")

HOSTILE = (
    "<script>document.title = 'taken'</script><img src='http://127.0.0.1:9/x' onerror='document.title=1'> & apples"
)
SHOWN = "[...document.querySelectorAll('#samples-list [data-item]')].filter((item) => !item.hidden)"
PHONE = 390
"""Width in pixels."""
SAID = "document.querySelector('.finder output').textContent"


async def _used(tab, page):
    """Open a page and use its filters as a reader does; returns the observations."""
    await tab.open(page)
    seen = {"title": await tab.evaluate("document.title"), "all": await tab.evaluate(f"{SHOWN}.length")}
    await tab.evaluate("document.querySelector('a[data-outcome=syntax_error]').click()")
    seen["clicked"] = await tab.evaluate(f"[...new Set({SHOWN}.map((item) => item.dataset.outcome))]")
    seen["said"] = await tab.evaluate(SAID)
    await tab.evaluate("document.querySelector('.finder button').focus()")
    await tab.press("Enter", "\r")
    seen["reset"] = await tab.evaluate(f"new Promise((done) => setTimeout(() => done({SHOWN}.length), 50))")
    await tab.evaluate("document.querySelector('.finder input').focus()")
    for letter in "timeout":
        await tab.press(letter, letter)
    seen["typed"] = await tab.evaluate(f"[...new Set({SHOWN}.map((item) => item.dataset.outcome))]")
    await tab.press("Tab")
    seen["next"] = await tab.evaluate("document.activeElement.name")
    seen["wide"] = await _overflow(tab)
    return seen


async def _overflow(tab):
    """By how many pixels the page is wider than a phone."""
    await tab.call("Emulation.setDeviceMetricsOverride", width=PHONE, height=800, deviceScaleFactor=1, mobile=True)
    # Content that does not fit widens the window.
    return await tab.evaluate("document.documentElement.scrollWidth") - PHONE


@pytest.fixture
def browse(tmp_path):
    """Runs a coroutine with a tab; returns its result and the tab with its records."""

    def run(use, html):
        page = tmp_path / "page.html"
        page.write_text(html)

        async def session():
            async with chromium(tmp_path / "profile") as tab:
                return await use(tab, page), tab

        found, tab = asyncio.run(session())
        assert tab.complaints == []
        assert tab.requests == [page.as_uri()]
        return found

    return run


def test_search_and_filters_work_by_mouse_and_keyboard(make_run, browse):
    run = make_run()
    edit(run / "ledger.json", lambda ledger: ledger["stages"][1].update(failed=3))  # the longest name of a bar
    seen = browse(_used, render(str(run)))
    assert seen["clicked"] == ["syntax_error"]
    assert seen["said"] == f"20 of {seen['all']} shown"
    assert seen["reset"] == seen["all"] > 100
    assert seen["typed"] == ["timeout"]
    assert seen["next"] == "outcome"
    assert seen["wide"] == 0


def test_a_bar_opens_samples_if_all_have_the_same_outcome(make_run, browse):
    async def click(tab, page):
        await tab.open(page)
        await tab.evaluate("document.querySelector('details').open = false")
        await tab.evaluate("document.querySelector('a[data-outcome=taken_by_the_corpus]').click()")
        return await tab.evaluate("document.querySelector('details').open")

    run = make_run()
    shutil.rmtree(run / "rejected")
    assert browse(click, render(str(run)))


def test_content_wider_than_a_phone_is_detected(make_run, browse):
    async def look(tab, page):
        await tab.open(page)
        return await _overflow(tab)

    html = render(str(make_run())).replace("<main>", "<main><div style='width: 700px'>wide</div>")
    assert browse(look, html) > 300


def test_a_script_in_a_draft_stays_text(make_run, browse):
    async def look(tab, page):
        await tab.open(page)
        return await tab.evaluate("[document.title, document.scripts.length, document.images.length]")

    assert browse(look, render(str(make_run(question=HOSTILE, text=HOSTILE)))) == [
        "Distillation report: arithmetic-smollm2",
        1,
        0,
    ]


@pytest.mark.parametrize("page", ["comparison", "campaign"])
def test_the_other_pages_fit_a_phone_and_their_filters_work(page, make_pair, make_campaign, browse):
    async def look(tab, path):
        await tab.open(path)
        await tab.evaluate("document.querySelector('.finder select').focus()")
        for letter in "b" if page == "comparison" else "f":
            await tab.press(letter, letter)
        return await tab.evaluate(SAID), await _overflow(tab)

    html = render(*make_pair(range(60), range(8, 90))) if page == "comparison" else render(str(make_campaign()))
    assert browse(look, html) == ("8 of 38 shown" if page == "comparison" else "1 of 24 shown", 0)


@pytest.mark.parametrize("width", [PHONE, 1200])
def test_the_table_of_pairs_is_whole_or_scrolls_under_the_names_of_its_rows(width, make_pair, browse):
    async def look(tab, page):
        await tab.open(page)
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width == PHONE}
        await tab.call("Emulation.setDeviceMetricsOverride", **size)
        return await tab.evaluate(
            "(() => { const box = document.querySelector('.scroll:has(.pairs)'); box.scrollLeft = 9999; "
            "const name = box.querySelector('tbody th').getBoundingClientRect(), around = box.getBoundingClientRect(); "
            "return [box.scrollWidth - box.clientWidth, name.left - around.left, name.right < around.right] })()"
        )

    over, left, seen = browse(look, render(*make_pair(range(60), range(8, 90))))
    assert (over > 0) == (width == PHONE)
    assert left == 0
    assert seen


def test_a_chart_follows_the_width_and_labels_its_marks_on_hover(make_campaign, browse):
    async def look(tab, page):
        await tab.open(page)
        labels = await tab.evaluate("document.querySelector('.plot path[aria-label^=\"trial t3\"] title').textContent")
        drawn = "[...document.querySelectorAll('#test .plot svg')].map((svg) => svg.getBoundingClientRect().width > 0)"
        wide = await tab.evaluate(drawn)
        await _overflow(tab)
        return labels.startswith("trial t3: "), wide, await tab.evaluate(drawn)

    assert browse(look, render(str(make_campaign()))) == (True, [True, False], [False, True])

"""The status page as a person sees it: dev mode running, a true browser, nothing but loopback."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import DevMode

pytestmark = pytest.mark.browser

PATIENCE_MS = 30_000
DESKTOP = (1280, 900)
TELEPHONE = (390, 844)


@contextmanager
def the_page(
    browser: Browser, dev_mode: DevMode, size: tuple[int, int] = DESKTOP
) -> Iterator[Page]:
    """Open the page in a profile of its own; give it back once its tables are filled."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(dev_mode.url)
    expect(page.locator("#pods tr")).to_contain_text(["near"], timeout=PATIENCE_MS)
    yield page
    context.close()


def test_a_bound_pod_is_seen_with_its_measured_rtt_against_its_budget(
    browser: Browser, dev_mode: DevMode
) -> None:
    with the_page(browser, dev_mode) as page:
        row = page.locator("#pods tr", has_text="near")

        expect(row).to_contain_text(re.compile(r"edge-\d+edge-1 [\d.]+ ms / 200 ms$"))
        assert row.is_visible()


def test_a_waiting_pod_is_seen_with_its_reason(browser: Browser, dev_mode: DevMode) -> None:
    with the_page(browser, dev_mode) as page:
        row = page.locator("#pending tr", has_text="typo")

        expect(row).to_contain_text('delay_edge-1: "fast" is not a delay')
        assert row.is_visible()


def test_nodes_and_what_happened_are_seen(browser: Browser, dev_mode: DevMode) -> None:
    with the_page(browser, dev_mode) as page:
        expect(page.locator("#nodes tr")).to_have_count(30)
        expect(page.locator("#events")).to_contain_text("pod near running on edge-")


def test_nothing_is_asked_of_any_other_host_and_nothing_fails(
    browser: Browser, dev_mode: DevMode
) -> None:
    context = browser.new_context()
    asked, faults = [], []
    context.on("request", lambda request: asked.append(request.url))
    context.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    context.on("weberror", lambda error: faults.append(str(error.error)))
    page = context.new_page()
    page.goto(dev_mode.url)
    expect(page.locator("#pods tr")).to_contain_text(["near"], timeout=PATIENCE_MS)

    assert {urlsplit(url).hostname for url in asked} == {"127.0.0.1"}
    assert any("/api/pods" in url for url in asked)
    assert faults == []
    context.close()


@pytest.mark.parametrize("size", [DESKTOP, TELEPHONE])
def test_nothing_is_wider_than_the_screen(
    browser: Browser, dev_mode: DevMode, size: tuple[int, int]
) -> None:
    with the_page(browser, dev_mode, size) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_a_pods_name_leads_to_why_it_is_there(browser: Browser, dev_mode: DevMode) -> None:
    with the_page(browser, dev_mode) as page:
        page.locator("#pods").get_by_role("link", name="near").click()

        expect(page.locator("body")).to_contain_text("default/near is on edge-")


def test_a_service_that_is_gone_is_said(browser: Browser, tmp_path: Path) -> None:
    of_its_own = DevMode(tmp_path)
    with the_page(browser, of_its_own) as page:
        of_its_own.stop()

        expect(page.locator("#state")).to_contain_text("no ", timeout=PATIENCE_MS)
        expect(page.locator("body")).to_have_class("stale")

"""Walk through the first hour on a running demonstration, and write the pictures beside this file.

.venv/bin/python docs/images/take.py DEMO APPROVER, with the two addresses that `make demo` has printed.
"""

import argparse
import base64
import re
import shutil
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from playwright.sync_api import Browser, Locator, Page, sync_playwright

FOLDER: Final = Path(__file__).resolve().parent
WIDTH: Final = 1280
HEIGHT: Final = 800
PATIENCE_MS: Final = 120_000
COLOURS: Final = 256
BIN: Final = "B-03-01"
"""Of London, and nobody of the demonstration counts it."""
GONE: Final = 3
DECODE: Final = """async (png) => {
    const image = new Image();
    image.src = "data:image/png;base64," + png;
    await image.decode();
    const {width, height} = image;
    const canvas = new OffscreenCanvas(width, height).getContext("2d");
    canvas.drawImage(image, 0, 0);
    const pixels = new Blob([canvas.getImageData(0, 0, width, height).data]);
    const url = await new Promise((told) => {
        const reader = new FileReader();
        reader.onload = () => told(reader.result);
        reader.readAsDataURL(pixels);
    });
    return [width, height, url.slice(url.indexOf(",") + 1)];
}"""
"""Width, height, and red, green, blue and alpha of each pixel in base 64."""


def main() -> None:
    """Take every picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("demo", help="address that logs `demo` in")
    parser.add_argument("approver", help="address that logs `demo-approver` in")
    asked = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with entered(browser, asked.demo) as demo, entered(browser, asked.approver) as approver:
            look_at_the_floor(demo)
            open_a_balance(demo)
            count_and_adjust(demo, approver)
            look_ahead(demo)
            order_and_receive(demo, approver)
            go(demo, "/runs")
            take(demo, "runs")
        browser.close()


@contextmanager
def entered(browser: Browser, link: str) -> Iterator[Page]:
    """Log somebody in.

    Args:
        browser: Any.
        link: As the demonstration printed it; it works once.

    Yields:
        A page of theirs.
    """
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(link)
    yield page
    context.close()


def look_at_the_floor(page: Page) -> None:
    """*Live*, *Doors*, a crossing with its picture, and an exception before and after its answer."""
    go(page, "/live")
    take(page, "live")
    go(page, "/doors")
    page.locator(".passage", has_text="posted").first.wait_for()
    take(page, "doors")
    page.locator(".passage", has_text="SSCC").filter(has_text="posted").locator("a").first.click()
    page.get_by_role("heading", name="Radio picture").wait_for()
    take(page, "crossing")
    go(page, "/dock-exceptions")
    card = page.locator(".dock-card").first
    card.wait_for(timeout=5 * PATIENCE_MS)
    take(page, "dock-exceptions")
    suggested = card.locator("button.primary")
    (suggested if suggested.count() else card.get_by_role("button", name="Out")).first.click()
    card.locator("[data-outcome]:not([hidden])").wait_for()
    go(page, "/dock-exceptions?state=answered")
    take(page, "answered")


def open_a_balance(page: Page) -> None:
    """*Stock* of an item, a balance's movements, and one movement down to its scan."""
    go(page, "/stock?site=leeds&location=STAGING")
    take(page, "stock")
    page.locator("tbody a.row").first.click()
    page.get_by_role("heading", name="Movements").wait_for()
    take(page, "balance")
    page.locator("tbody a.row").first.click()
    page.get_by_role("heading", name="What moved").wait_for()
    take(page, "movement")


def count_and_adjust(page: Page, approver: Page) -> None:
    """A count, what it found, the alert, the other person's approval, and the adjustment in the ledger."""
    go(page, f"/stock?site=london&location={BIN}")
    row = page.locator("tbody tr").first
    item = row.locator("a.row").inner_text().strip()
    book = int(re.sub(r"\D", "", row.locator(".qty").inner_text()))
    go(page, "/counts")
    page.get_by_role("textbox", name="Bin").fill(BIN)
    page.get_by_label("Site").select_option("london")
    page.get_by_label("Item or GTIN").first.fill(item)
    page.get_by_label("Quantity").first.fill(str(book - GONE))
    take(page, "count-form")
    page.get_by_role("button", name="Report").click()
    counted = page.locator("tbody tr", has_text=BIN).first
    counted.wait_for()
    counted.locator("a.row").click()
    page.get_by_role("heading", name=f"Count of {BIN}").wait_for()
    take(page, "count")
    go(page, f"/variances?item={item}")
    page.locator("[data-part=variances] tr", has_text="waits for approval").first.wait_for()
    go(page, "/variances")
    take_from(page, page.get_by_role("heading", name="Alerts", exact=True), "variances")
    go(approver, "/approvals")
    approver.locator("a.row", has_text=f"Adjust {BIN}: {item}").first.click()
    approver.get_by_role("button", name="Approve and do it").wait_for()
    take(approver, "approval")
    approver.get_by_role("button", name="Approve and do it").click()
    approver.get_by_text("Approved and done").wait_for()
    go(page, f"/stock?site=london&location={BIN}")
    page.locator("tbody a.row").first.click()
    page.locator("tr", has_text="@adjustment").first.wait_for()
    take(page, "adjusted")


def look_ahead(page: Page) -> None:
    """*Forecast* of a site and of one item: weeks with their bands, the backtest and why."""
    go(page, "/forecast?site=leeds")
    take(page, "forecasts")
    go(page, "/forecast/leeds/22720")
    take(page, "forecast")
    take_from(page, page.get_by_role("heading", name="Summed from"), "forecast-sums")
    take_from(page, page.get_by_role("heading", name="Why"), "forecast-why")


def order_and_receive(page: Page, approver: Page) -> None:
    """A proposal and its arithmetic, accepted, approved by another person, sent, received, in stock."""
    go(page, "/proposals")
    take(page, "proposals")
    page.locator("tbody tr", has_text="proposed").locator("a.row").first.click()
    page.get_by_role("heading", name="Your answer").wait_for()
    take(page, "proposal")
    take_from(page, page.get_by_role("heading", name="Expected stock"), "arithmetic")
    page.get_by_role("button", name="Accept", exact=True).click()
    waits = page.get_by_role("link", name="waits for somebody else")
    waits.wait_for()
    asked = waits.get_attribute("href") or ""
    proposal = page.url
    go(approver, asked)
    approver.get_by_role("button", name="Approve and do it").click()
    approver.get_by_text("Approved and done").wait_for()
    page.goto(proposal)
    page.get_by_role("link", name=re.compile("^PO-")).click()
    page.get_by_role("button", name="It was sent").click()
    page.get_by_role("heading", name="Receive a delivery").wait_for()
    page.get_by_label("Delivery note").fill("DN-4711")
    page.get_by_label("Put at").fill("STAGING")
    received = page.get_by_label("Received sound").first
    received.fill(received.get_attribute("placeholder") or "")
    take_from(page, page.get_by_role("heading", name="Receive a delivery"), "order")
    page.get_by_role("button", name="Receive").click()
    receipts = page.get_by_role("heading", name="Receipts")
    receipts.wait_for()
    take(page, "received")


def go(page: Page, path: str) -> None:
    """Open a page of ours.

    Args:
        page: Somebody's.
        path: From the slash on.
    """
    origin = re.match(r"https?://[^/]+", page.url)
    page.goto(f"{origin[0] if origin else ''}{path}")


def take_from(page: Page, heading: Locator, name: str) -> None:
    """Take a picture that begins with a part of a page.

    Args:
        page: What to take.
        heading: Of the part.
        name: Of the picture.
    """
    heading.first.evaluate("it => scrollTo(0, it.getBoundingClientRect().top + scrollY - 130)")
    take(page, name)


def take(page: Page, name: str) -> None:
    """Write what is to be seen.

    Args:
        page: What to take.
        name: Of the picture.
    """
    page.evaluate("document.activeElement?.blur()")
    if (state := page.locator("[data-live-state]")).count():
        state.filter(has_text="Live").wait_for()
    page.screenshot(path=FOLDER / f"{name}.png", animations="disabled", caret="hide")
    small = with_few_colours(page, (FOLDER / f"{name}.png").read_bytes())
    (FOLDER / f"{name}.png").write_bytes(small)
    print(f"{name}.png {len(small) // 1024} kB")  # noqa: T201  for whoever runs it


def with_few_colours(page: Page, png: bytes) -> bytes:
    """Write a picture with a palette: less than half the size, and pages have few colours.

    Args:
        page: Whose browser decodes the picture.
        png: The picture.

    Returns:
        The picture with its 256 most frequent colours, others as the nearest of these.
    """
    blank = page.context.new_page()
    width, height, told = blank.evaluate(DECODE, base64.b64encode(png).decode())
    blank.close()
    pixels = np.frombuffer(base64.b64decode(told), np.uint8).reshape(height, width, 4)
    codes = pixels[:, :, :3].astype(np.int32) @ np.array([1 << 16, 1 << 8, 1])
    known, place, count = np.unique(codes, return_inverse=True, return_counts=True)
    every = np.stack([known >> 16, known >> 8 & 255, known & 255], axis=1)
    kept = every[np.argsort(-count, kind="stable")[:COLOURS]]
    nearest = ((every[:, None, :] - kept[None, :, :]) ** 2).sum(axis=2).argmin(axis=1).astype(np.uint8)
    rows = np.zeros((height, 1 + width), np.uint8)
    rows[:, 1:] = nearest[place].reshape(height, width)
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    written = _chunk(b"IHDR", head) + _chunk(b"PLTE", kept.astype(np.uint8).tobytes())
    return png[:8] + written + _chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


if __name__ == "__main__":
    main()

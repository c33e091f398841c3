"""Makes the picture of the README (docs/screenshot.png) and, with a folder as argument, one of every screen.

python tests/screenshots.py [FOLDER]
"""

import pathlib
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
WIDE, NARROW = (1100, 900), (375, 760)
SCREENS = {f"{name}-{scheme}": (size, scheme) for name, size in (("desktop", WIDE), ("phone", NARROW))
           for scheme in ("light", "dark")}  # fmt: skip
QUESTIONS = {
    "answer": "what are the common side effects",
    "both-sides": "Is there a risk of addiction or dependence?",
    "not-found": "who won the chess world cup in 1987",
    "urgent": "my chest hurts and my arm is numb",
}
# Tab, the button to press first if any, what shows that it is there.
TABS = {
    "Inspector": ("#inspect-go", "#inspect-chart .bars li"),
    "Journal": (None, "#journal-shown table"),
    "What is missing": (None, "#gaps-shown table"),
    "Overview": (None, "#overview-quoted table"),
    "Library": (None, "#keep-articles table"),
    "Regression questions": (None, "#questions-shown"),
}
NAME, PASSWORD = "jane", "a password of a picture"


def patients(page, address, article, name, folder):
    page.goto(address)
    page.wait_for_selector("#question textarea, #question input")
    page.wait_for_timeout(500)
    take(page, folder, f"{name}-home", full_page=True)
    for count, (kind, question) in enumerate(QUESTIONS.items(), 1):
        page.fill("#question textarea, #question input", question)
        page.keyboard.press("Enter")
        page.wait_for_function(f"document.querySelectorAll('#log .answer').length >= {count}")
        page.wait_for_timeout(900)
        take(page, folder, f"{name}-{kind}")
        if (name, kind) == ("desktop-light", "answer"):
            page.screenshot(path=HERE.parent / "docs/screenshot.png")
    for kind, path in (("sources", "/sources"), ("article", f"/article/{article}?s=700&e=900#hit"), ("docs", "/docs")):
        page.goto(address + path)
        take(page, folder, f"{name}-{kind}")


def staff(page, address, name, folder):
    page.goto(address + "/staff")
    take(page, folder, f"{name}-staff-login")
    page.fill("[name=name]", NAME)
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector("#inspect-question")
    page.fill("#inspect-question textarea, #inspect-question input", QUESTIONS["answer"])
    for title, (button, ready) in TABS.items():
        tab = page.get_by_role("tab", name=title)
        if not tab.is_visible():  # a narrow page keeps the last ones in a menu
            page.locator(".overflow-menu button").first.click()
            tab = page.locator(".overflow-dropdown button", has_text=title)
        tab.click()
        if button:
            page.click(button)
        page.wait_for_selector(ready, timeout=30_000, state="attached")
        page.wait_for_timeout(1500)
        take(page, folder, f"{name}-staff-{title.split()[-1].lower()}", full_page=True)


def take(page, folder, name, **options):
    if folder:
        page.screenshot(path=folder / f"{name}.png", **options)


def main():
    from playwright.sync_api import sync_playwright
    from web import ARGS, BROWSER, serving

    from bot.accounts import Accounts
    from bot.answer import open_answerer
    from bot.journal import Journal
    from bot.settings import load_settings

    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as home:
        answerer = open_answerer(load_settings(questions_per_minute=1000, data=pathlib.Path(home)))
        accounts, journal = Accounts(pathlib.Path(home) / "staff.json"), Journal(pathlib.Path(home) / "journal.db")
        accounts.add(NAME, PASSWORD)
        article = next(iter(answerer.library.articles))
        with serving(answerer, journal=journal, accounts=accounts) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=BROWSER, args=ARGS)
            for name, ((width, height), scheme) in SCREENS.items():
                page = browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=scheme, has_touch=width == NARROW[0]
                ).new_page()
                patients(page, address, article, name, folder)
                if folder:
                    staff(page, address, name, folder)
            browser.close()
        journal.close()


if __name__ == "__main__":
    main()

"""Makes the picture of the README (docs/screenshot.png) and, with a folder as argument, one of every screen.

python tests/screenshots.py [FOLDER]
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
SCREENS = {"desktop": (1100, 900, "light"), "phone": (375, 760, "light"), "phone-dark": (375, 760, "dark")}
QUESTIONS = {
    "answer": "what are the common side effects",
    "both-sides": "Is there a risk of addiction or dependence?",
    "not-found": "who won the chess world cup in 1987",
    "urgent": "my chest hurts and my arm is numb",
}


def main():
    from playwright.sync_api import sync_playwright
    from web import ARGS, BROWSER, serving

    from bot.answer import open_answerer
    from bot.settings import load_settings

    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else None
    answerer = open_answerer(load_settings(questions_per_minute=1000))
    with serving(answerer) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=ARGS)
        for name, (width, height, scheme) in SCREENS.items():
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            page.goto(address)
            page.wait_for_selector("#question textarea, #question input")
            page.wait_for_timeout(500)
            if folder:
                page.screenshot(path=folder / f"{name}-home.png", full_page=True)
            for count, (kind, question) in enumerate(QUESTIONS.items(), 1):
                page.fill("#question textarea, #question input", question)
                page.keyboard.press("Enter")
                page.wait_for_function(f"document.querySelectorAll('#log .answer').length >= {count}")
                page.wait_for_timeout(900)
                if folder:
                    page.screenshot(path=folder / f"{name}-{kind}.png")
                if (name, kind) == ("desktop", "answer"):
                    page.screenshot(path=HERE.parent / "docs/screenshot.png")
            if folder:
                page.goto(address + "/sources")
                page.screenshot(path=folder / f"{name}-sources.png")
                article = next(iter(answerer.library.articles))
                page.goto(f"{address}/article/{article}?s=700&e=900#hit")
                page.screenshot(path=folder / f"{name}-article.png")
                page.goto(address + "/docs")
                page.screenshot(path=folder / f"{name}-docs.png")
        browser.close()


if __name__ == "__main__":
    main()

"""The web app: settings -> articles -> pages."""

import sys

from bot.errors import BotError
from bot.settings import load_settings
from bot.web import serve

if __name__ == "__main__":
    try:
        serve(load_settings())
    except BotError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)

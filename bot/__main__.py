"""``python -m bot``."""

import sys

if __name__ == "__main__":
    try:
        from bot.cli import main  # here: the libraries behind it take a moment, in which somebody may change their mind

        main()
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        sys.exit(130)

"""``python -m gmstudio`` is ``gmstudio``."""

from gmstudio.cli import main

if __name__ == "__main__":
    main()

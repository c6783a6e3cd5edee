"""``python main.py`` does what ``gmstudio`` does: without a command it opens the window."""

from gmstudio.cli import main

if __name__ == "__main__":
    main()

"""Commands for users of the library, each run as `python -m lib.commands.<name> --help`."""

"""`python -m cogtrace`."""

from cogtrace.cli.main import main

if __name__ == "__main__":
    main()

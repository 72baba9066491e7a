"""`python -m ttcli` is the `ttcli` command."""

from ttcli.cli import main

if __name__ == "__main__":
    main()

"""Fixtures for every test; the real servers stand in `fix_postgres.py` and `fix_dovecot.py`."""

pytest_plugins = ["tests.fix_postgres", "tests.fix_dovecot"]

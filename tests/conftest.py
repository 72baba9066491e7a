"""Fixtures for every test: the real servers, and a world made of both."""

pytest_plugins = [
    "tests.fix_postgres",
    "tests.fix_dovecot",
    "tests.fix_world",
    "tests.fix_secrets",
]

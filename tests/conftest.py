"""Fixtures for every test: the real servers, and a world made of both."""

from hypothesis import settings

pytest_plugins = [
    "tests.fix_postgres",
    "tests.fix_dovecot",
    "tests.fix_oauth",
    "tests.fix_world",
    "tests.fix_secrets",
]

# how long an example takes is the machine's affair, and a busy one is no bug
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

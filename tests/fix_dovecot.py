"""A real Dovecot, started by the fixtures."""

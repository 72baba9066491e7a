"""A real PostgreSQL, started by the fixtures."""

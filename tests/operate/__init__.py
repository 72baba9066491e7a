"""One look tells, one command repairs."""

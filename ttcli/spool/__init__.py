"""The spool: items on disk, whose state is the directory they stand in (docs/spool.md)."""

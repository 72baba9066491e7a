"""What the commands print, as text for people, made of the same findings as `--json`."""

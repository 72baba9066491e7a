"""The OOXML readers."""

"""Sniffing, the limited child, and every reader but OOXML's."""

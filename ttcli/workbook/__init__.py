"""The workbook: what the bytes are, and a reader for each kind, inside a limited child process."""

"""The rows: from cells to the fields of the target table, or to a reject with its reason. No I/O."""

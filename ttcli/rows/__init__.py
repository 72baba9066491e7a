"""The rows: from cells to the fields of the target table, or to a reject with a reason. No I/O."""

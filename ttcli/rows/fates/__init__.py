"""What becomes of each row.

fate.py        what cannot simply be written: blank, totals, rejected
lines.py       rows.tsv; rejects.py: rejects.csv; find.py: a key's lines in both
totals.py      rows of totals, held against what was read
duplicates.py  of two rows with one key the last (keys.py: as the database compares them)
"""

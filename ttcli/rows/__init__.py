"""The rows: from cells to the fields of the target table, or to a reject with a reason. No I/O.

convert.py       a workbook: the way in
sheet.py         one sheet of it; halves.py: half of a large one, by a second process
mapping.py       what mapping.toml says (mapping_file.py reads and checks it)
expect.py        what a sender is expected to send
header/          which row is the header, and which heading means which field
columns/         whole columns at once, by proof
scalars/         cell by cell: the truth
fates/           what becomes of each row
sample/          a workbook looked at for `ttcli inspect` and `ttcli init`
"""

"""The header row, and what it says.

search.py    of every sheet, before anything is written
row.py       among a sheet's first rows the one with most known headings
headings.py  which heading means which field (synonyms.py: what senders write)
layout.py    which columns a workbook may fill, and by which rule each
"""

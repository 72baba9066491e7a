"""The workbook: what the bytes are, and a reader for each kind, inside a limited child process.

open.py       `open_workbook`: the way in
child.py      a process per workbook, and every way of dying in words
confine.py    what that process lets go of, and its limits
sniff.py      what the bytes are, by content only (sniff_zip.py: the zip family)
ooxml*.py     xlsx and xlsm
ods*.py       OpenDocument spreadsheets
calamine.py   xls and xlsb; xls.py, xlsb.py say what it leaves out
delimited.py  csv and its kin (encoding.py: which characters its bytes are)
html.py       the web page that is called .xls
encrypted.py  workbooks with a password
ole.py        the container of .xls and of encrypted workbooks
blocks.py     rows of cells → blocks of columns, within the limits
nameless.py   files that end with the process that holds them
inspect.py    what a reader sees, a cell at a time
"""

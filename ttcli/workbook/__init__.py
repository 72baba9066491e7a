"""The workbook: what the bytes are, and a reader for each kind, inside a limited child process.

open.py       `open_workbook`: the way in
limited/      the processes that workbooks are read in, and their limits
sniff.py      what the bytes are, by content only (sniff_zip.py: the zip family)
ooxml/        xlsx and xlsm
ods/          OpenDocument spreadsheets
biff/         xls and xlsb
delimited.py  csv and its kin (encoding.py: which characters its bytes are)
html.py       the web page that is called .xls
encrypted.py  workbooks with a password
ole.py        the container of .xls and of encrypted workbooks
blocks.py     rows of cells → blocks of columns, within the limits
nameless.py   files that end with the process that holds them
inspect.py    what a reader sees, a cell at a time
"""

"""A workbook looked at before there is a table for it, or to see why it is read as it is.

explained.py  what ttcli makes of it, for `ttcli inspect`
infer.py      the columns of a table that takes it, for `ttcli init`
evidence.py   what a column's cells are
"""

"""The processes that a workbook is read in: whatever a file does to its reader, only they pay.

child.py     a process for one workbook, and every way of dying in words
worker.py    one for many small workbooks after another
beside.py    a second one, for half of a large sheet
confine.py   what such a process lets go of, and its limits
"""

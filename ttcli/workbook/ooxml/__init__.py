"""xlsx, xlsm and their kin: ECMA-376.

workbook.py   `open_ooxml`: the sheets, each part found by relationship
package.py    the zip, and what unpacking may cost; xml.py: expat, set up for hostile parts
fast.py       whole blocks of rows by one regular expression, proven byte by byte
              (spelling.py, shape.py, columns.py, rawtext.py)
exact.py      the truth: cell by cell (cell.py, text.py)
halves.py     a sheet that two processes read
strings.py    the shared strings (packs.py)
styles.py     number formats (formats.py), for the other kinds of workbooks too
"""

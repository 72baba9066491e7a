"""Whole columns at once, for the same result as cell by cell.

converter.py  a column of a block, by a plan; what the plan doubts goes the scalar way
plans.py      a plan for each kind of cell and type (dates.py: for dates)
proof.py      that all cells have a form which needs no second look
serials.py    dates that stay numbers, which the server reads
"""

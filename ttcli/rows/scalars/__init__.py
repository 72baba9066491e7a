"""One cell at a time: the truth, which whole columns are held to.

kinds.py    from a PostgreSQL type to its conversion
rule.py     what a conversion must know of a column, and what it answers
numbers.py  never by way of a rounded float
dates.py    from serial numbers; datetext.py: from texts
text.py     texts, and any cell in a column of them
awb.py      numbers of air waybills
"""

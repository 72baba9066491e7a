"""From the leaves of a mail to what is taken.

taking.py     containers opened, everything else judged
kinds.py      what may be a workbook
archive.py    zip; tnef.py: winmail.dat; smime.py: opaque signatures
"""

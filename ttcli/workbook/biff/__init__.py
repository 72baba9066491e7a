"""xls and xlsb, whose cells are binary records: [MS-XLS] and [MS-XLSB].

calamine.py   the texts; a scan says what it leaves out
scan.py       what a scan says
xls.py        the scan of .xls (xls_records.py: where its records stand; xls_texts.py: texts that
              calamine cannot hold)
xlsb.py       the scan of .xlsb
records.py    what the cells of both have in common
"""

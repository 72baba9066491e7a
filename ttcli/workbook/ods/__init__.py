"""OpenDocument spreadsheets: workbook.py opens one, sheet.py reads rows, styles.py formats."""

"""ttcli turns a mailbox of track-and-trace workbooks into a trustworthy PostgreSQL table.

Follow the data: mail → workbook → rows → database, with a spool on disk between the stages.

    cli.py      which commands there are
    commands/   one function a command
    console.py  the only module that prints and exits
    views/      what the commands print, as text
    stages/     fetch process load prune status …: one verb, one file
    spool/      items on disk, the one loop, the lock
    mail/       the mailbox: session, search, MIME, cursor
    workbook/   what the bytes are, readers, the limited child process
    rows/       header row, mapping, conversions, air waybill numbers, rejects
    database/   target table, staging and upsert, ledger
    cells.py    what a reader says of cells and the rows room hears
    table.py    what the database says of the target table and the rows room hears
    config.py   errors.py   logs.py

Imports point down this list only; mail, workbook, rows and database never import each other.
"""

__version__ = "0.1.0"

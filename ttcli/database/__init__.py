"""The database: the target table, the staging table and upsert, the ledger."""

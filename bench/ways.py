"""How each peer brings workbooks into a table of PostgreSQL, as its documentation says.

    VENV/bin/python bench/ways.py NAME URL FILE...

Run by `peers.py` in the peer's own virtualenv; nothing is imported but what that way needs. Only
dlt and sling upsert by themselves; after the others one statement does, from their staging table.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List

_TYPES = {
    **dict.fromkeys(("hawb", "mawb", "origin", "destination", "shipper", "consignee"), "text"),
    "pieces": "integer",
    **dict.fromkeys(("weight", "chargeable_weight", "volume"), "float8"),
    **dict.fromkeys(("booked_at", "etd", "eta", "atd", "ata", "delivered_at"), "timestamp"),
    **dict.fromkeys(("status", "carrier", "flight_no", "service"), "text"),
    "incoterm": "text",
    "currency": "text",
    "declared_value": "float8",
    "reference": "text",
    "remarks": "text",
}
NAMES = ", ".join(_TYPES)
UPSERT = (
    f"INSERT INTO tracking_data ({NAMES}) SELECT "
    + ", ".join(f"{name}::{kind}" for name, kind in _TYPES.items())
    + " FROM staging ON CONFLICT (hawb) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _TYPES if name != "hawb")
)
_STAGING = ", ".join(f"{name} {kind}" for name, kind in _TYPES.items())


def _psycopg2(url: str) -> Any:
    import psycopg2

    return psycopg2.connect(url)


def _copy_and_upsert(connection: Any, text: Any) -> None:
    """CSV into a temporary table and from there into the target, in one transaction."""
    with connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE staging ({_STAGING}) ON COMMIT DROP")
        cursor.copy_expert("COPY staging FROM STDIN WITH (FORMAT csv, HEADER)", text)
        cursor.execute(UPSERT)


def pandas_to_sql(url: str, files: List[str]) -> None:
    """read_excel, to_sql, upsert."""
    import pandas
    from sqlalchemy import create_engine, text

    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg2:"))
    for file in files:
        frame = pandas.read_excel(file)
        with engine.begin() as connection:
            frame.to_sql("staging", connection, if_exists="replace", index=False)
            connection.execute(text(UPSERT))


def pandas_copy(url: str, files: List[str]) -> None:
    """read_excel with calamine, to_csv, COPY, upsert."""
    import io

    import pandas

    connection = _psycopg2(url)
    for file in files:
        frame = pandas.read_excel(file, engine="calamine")
        frame["pieces"] = frame["pieces"].astype("Int64")
        out = io.StringIO()
        frame.to_csv(out, index=False)
        out.seek(0)
        _copy_and_upsert(connection, out)


def polars_adbc(url: str, files: List[str]) -> None:
    """read_excel (calamine), write_database by ADBC, upsert."""
    import polars
    from adbc_driver_postgresql import dbapi

    connection = dbapi.connect(url)
    for file in files:
        frame = polars.read_excel(file)
        frame.write_database("staging", connection, if_table_exists="replace", engine="adbc")
        with connection.cursor() as cursor:
            cursor.execute(UPSERT)
        connection.commit()


def duckdb(url: str, files: List[str]) -> None:
    """read_xlsx, CREATE TABLE in the attached PostgreSQL, upsert by postgres_execute."""
    import duckdb as duck

    session = duck.connect(config={"allow_unsigned_extensions": "true"})
    folder = Path(duck.__file__).parent.parent / "duckdb_ext" / "extensions"
    for name in ("excel", "postgres_scanner"):
        (extension,) = folder.glob(f"v{duck.__version__}/*/{name}.duckdb_extension")
        session.execute(f"LOAD '{extension}'")
    session.execute(f"ATTACH '{url}' AS pg (TYPE postgres)")
    for file in files:
        session.execute("BEGIN")
        session.execute("DROP TABLE IF EXISTS pg.staging")
        sheet = f"read_xlsx('{file}', empty_as_varchar = true)"
        seen = session.execute(f"DESCRIBE SELECT * FROM {sheet}").fetchall()
        values = ", ".join(_duckdb_value(*column[:2]) for column in seen)
        session.execute(f"CREATE TABLE pg.staging AS SELECT {values} FROM {sheet}")
        session.execute("CALL postgres_execute('pg', $1)", [UPSERT])
        session.execute("COMMIT")


def _duckdb_value(name: str, seen: str) -> str:
    """DuckDB takes a column's type from its first row; blank there, dates come as serials."""
    if _TYPES[name] == "timestamp" and seen == "VARCHAR":
        seconds = f"round({name}::DOUBLE * 86400)::BIGINT"
        return f"TIMESTAMP '1899-12-30' + to_seconds({seconds}) AS {name}"
    return name


def openpyxl(url: str, files: List[str]) -> None:
    """load_workbook read-only, iter_rows, CSV, COPY, upsert: the script written by hand."""
    import csv
    import io

    from openpyxl import load_workbook

    connection = _psycopg2(url)
    for file in files:
        book = load_workbook(file, read_only=True, data_only=True)
        out = io.StringIO()
        writer = csv.writer(out)
        for row in book.active.iter_rows(values_only=True):
            writer.writerow([*row, *[None] * (len(_TYPES) - len(row))])
        out.seek(0)
        _copy_and_upsert(connection, out)
        book.close()


def ogr2ogr(url: str, files: List[str]) -> None:
    """ogr2ogr by COPY into a table, upsert by psql."""
    environ = {**os.environ, "PG_USE_COPY": "YES", "OGR_XLSX_HEADERS": "FORCE"}
    for file in files:
        subprocess.check_call(
            [
                *("ogr2ogr", "-f", "PostgreSQL", f"PG:{url}", file, "-nln", "staging"),
                *("-overwrite", "-lco", "UNLOGGED=ON", "-gt", "unlimited"),
            ],
            env=environ,
        )
        subprocess.check_call(["psql", "-q", "-v", "ON_ERROR_STOP=1", url, "-c", UPSERT])


def dlt(url: str, files: List[str]) -> None:
    """A resource of pandas chunks with the upsert strategy; dlt keeps a table of its own."""
    import dlt as tool
    import pandas

    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    pipeline = tool.pipeline(
        "peers",
        pipelines_dir=os.environ["PEER_FOLDER"],
        destination=tool.destinations.postgres(url),
        dataset_name="dlt",
    )
    for file in files:
        frame = pandas.read_excel(file)
        pipeline.run(
            tool.resource(
                [frame],
                name="tracking_data",
                primary_key="hawb",
                write_disposition={"disposition": "merge", "strategy": "upsert"},
            )
        )


def sling(url: str, files: List[str]) -> None:
    """sling run in the mode incremental with a primary key, which merges; a table of its own."""
    (program,) = Path(sys.prefix).glob("lib/*/site-packages/sling_linux_amd64/bin/sling*")
    home = os.environ["PEER_FOLDER"]
    environ = {**os.environ, "PG": url, "SLING_HOME_DIR": home, "SLING_DISABLE_TELEMETRY": "TRUE"}
    for file in files:
        command = [str(program), "run", "--src-stream", f"file://{file}", "--tgt-conn", "PG"]
        into = ["--tgt-object", "sling.tracking_data", "--mode", "incremental"]
        subprocess.check_call([*command, *into, "--primary-key", "hawb"], env=environ)


def csvkit(url: str, files: List[str]) -> None:
    """in2csv | csvsql --insert, upsert by psql."""
    tools = Path(sys.prefix) / "bin"
    engine = url.replace("postgresql:", "postgresql+psycopg2:")
    for file in files:
        reader = subprocess.Popen([tools / "in2csv", file], stdout=subprocess.PIPE)
        subprocess.check_call(
            [tools / "csvsql", "--db", engine, "--insert", "--overwrite", "--tables", "staging"],
            stdin=reader.stdout,
        )
        if reader.wait():
            sys.exit("in2csv failed")
        subprocess.check_call(["psql", "-q", "-v", "ON_ERROR_STOP=1", url, "-c", UPSERT])


WAYS: Dict[str, Callable[[str, List[str]], None]] = {
    way.__name__: way
    for way in (
        *(pandas_to_sql, pandas_copy, polars_adbc, duckdb, openpyxl),
        *(ogr2ogr, dlt, sling, csvkit),
    )
}


if __name__ == "__main__":
    sys.path.pop(0)  # this folder: its names are not those of the packages meant
    WAYS[sys.argv[1]](sys.argv[2], sys.argv[3:])

"""The list of variables: name, default, what is allowed, what it is for.

The README's table, the example configuration and `ttcli check` are all held against this list.
"""

from __future__ import annotations

from typing import Tuple

from ttcli.settings import (
    Variable,
    authserv_id,
    boolean,
    choice,
    domain,
    identifiers,
    mail_action,
    one_address,
    one_identifier,
    optional_day,
    optional_identifier,
    optional_path,
    optional_prom_file,
    path,
    senders,
    text,
    web_address,
    whole,
)

VARIABLES: Tuple[Variable, ...] = (
    Variable("EMAIL_HOST", "imap.gmail.com", text, "IMAP server"),
    Variable("EMAIL_PORT", "993", whole(1, 65535), "IMAP port"),
    Variable("EMAIL_USERNAME", None, text, "login name of the mailbox"),
    Variable(
        "EMAIL_PASSWORD",
        "",
        text,
        "password or app password of the mailbox; required unless EMAIL_AUTH is oauth2",
        secret=True,
    ),
    Variable(
        "EMAIL_USE_SSL",
        "true",
        boolean,
        "TLS from the start; false: STARTTLS, and plain text only to this machine itself",
    ),
    Variable(
        "EMAIL_SUBJECT_FILTER",
        "Track and Trace",
        text,
        "mails whose subject contains this, in any case; empty: all mails",
        may_be_empty=True,
    ),
    Variable(
        "EMAIL_ALLOW_SENDERS",
        "",
        senders,
        "addresses and @domains, with commas, whose mails are taken; empty: everyone's",
        may_be_empty=True,
    ),
    Variable(
        "EMAIL_AUTHSERV_ID",
        "",
        authserv_id,
        "take only mails whose sender this server's Authentication-Results confirm, mx.example.com",
        may_be_empty=True,
    ),
    Variable("EMAIL_FOLDER", "INBOX", text, "folder to read"),
    Variable(
        "EMAIL_SINCE",
        "",
        optional_day,
        "the first look at a folder leaves out what arrived before this day, 2026-08-31",
    ),
    Variable(
        "EMAIL_TLS_CA_FILE", "", optional_path, "CA certificates to trust instead of the system's"
    ),
    Variable("EMAIL_AUTH", "password", choice("password", "oauth2"), "how to log in"),
    Variable(
        "EMAIL_TOKEN_COMMAND",
        "",
        text,
        "command that prints an access token, for EMAIL_AUTH=oauth2",
    ),
    Variable(
        "EMAIL_OAUTH_PROVIDER",
        "",
        choice("", "microsoft", "google"),
        "instead of the command: microsoft or google, whom ttcli asks for the access token itself",
    ),
    Variable(
        "EMAIL_OAUTH_TOKEN_URL",
        "",
        web_address,
        "token endpoint of another provider; https, and http only on this machine itself",
    ),
    Variable(
        "EMAIL_OAUTH_TENANT", "", domain, "Microsoft: the directory's (tenant's) id or domain"
    ),
    Variable("EMAIL_OAUTH_CLIENT_ID", "", text, "id of the application registered there"),
    Variable(
        "EMAIL_OAUTH_CLIENT_SECRET",
        "",
        text,
        "its secret; without a refresh token it asks as the application (client credentials)",
        secret=True,
    ),
    Variable(
        "EMAIL_OAUTH_REFRESH_TOKEN",
        "",
        text,
        "asks as the user; its successors are kept in the spool until this one is changed",
        secret=True,
    ),
    Variable(
        "EMAIL_OAUTH_KEY_FILE",
        "",
        optional_path,
        "instead of a secret: a Google service account's key (.json), "
        "or private key and certificate for Microsoft (.pem)",
    ),
    Variable(
        "EMAIL_OAUTH_SCOPE", "", text, "scope to ask for; unset: IMAP's, by provider and flow"
    ),
    Variable(
        "EMAIL_MAX_ATTACHMENT_MB",
        "100",
        whole(1, 1024),
        "larger attachments are refused before they are downloaded",
    ),
    Variable(
        "EMAIL_AFTER_LOAD",
        "nothing",
        mail_action,
        "done to a mail once all its rows are committed: nothing, seen, flag or move:FOLDER",
    ),
    Variable(
        "EMAIL_ON_FAILURE",
        "nothing",
        mail_action,
        "done to a mail of which a workbook failed: nothing, seen, flag or move:FOLDER",
    ),
    Variable(
        "EMAIL_TIMEOUT", "60", whole(1, 3600), "seconds to wait for the IMAP server's next word"
    ),
    Variable(
        "DB_HOST",
        "localhost",
        text,
        "PostgreSQL server, or the folder of its socket; several with commas: the one that takes"
        " writes",
    ),
    Variable("DB_PORT", "5432", whole(1, 65535), "PostgreSQL port"),
    Variable("DB_NAME", None, text, "database"),
    Variable("DB_USERNAME", None, text, "database role"),
    Variable(
        "DB_PASSWORD",
        None,
        text,
        "password of the role; may be empty for peer or trust",
        secret=True,
        may_be_empty=True,
    ),
    Variable("DB_TEMP_SCHEMA", "temp_processing", one_identifier, "schema of the staging tables"),
    Variable(
        "DB_TARGET_TABLE", "tracking_data", identifiers(".", 2), "table to load, or schema.table"
    ),
    Variable("DB_UNIQUE_KEY", "hawb", identifiers(",", 8), "key column, or several with commas"),
    Variable(
        "DB_SOURCE_TIME_COLUMN",
        "source_at",
        optional_identifier,
        "column that holds a row's as-of time; empty: none",
        may_be_empty=True,
    ),
    Variable(
        "DB_SSLMODE",
        "",
        choice("", "disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
        "libpq's sslmode; unset: prefer on this machine; off it verify-full with"
        " DB_SSLROOTCERT, require without",
    ),
    Variable("DB_SSLROOTCERT", "", optional_path, "CA certificate of the PostgreSQL server"),
    Variable("DB_SSLCERT", "", optional_path, "certificate to show to a server that asks for one"),
    Variable("DB_SSLKEY", "", optional_path, "private key of DB_SSLCERT; readable by ttcli alone"),
    Variable(
        "REPLY_TO_SENDERS",
        "",
        senders,
        "addresses and @domains, with commas, who get their rejected rows back; empty: nobody",
    ),
    Variable("REPLY_FROM", "", one_address, "address that answers come from"),
    Variable("REPLY_PER_DAY", "5", whole(1, 1000), "answers to one address within a day, at most"),
    Variable(
        "REPLY_SENDMAIL", "/usr/sbin/sendmail", path, "program that takes an answer to be delivered"
    ),
    Variable("REPLY_SMTP_HOST", "", text, "SMTP server that takes it instead"),
    Variable("REPLY_SMTP_PORT", "587", whole(1, 65535), "its port"),
    Variable(
        "REPLY_SMTP_SECURITY",
        "starttls",
        choice("starttls", "tls", "none"),
        "TLS after STARTTLS or from the start; none: plain text, only to this machine itself",
    ),
    Variable("REPLY_SMTP_USERNAME", "", text, "login name, where it asks for one"),
    Variable("REPLY_SMTP_PASSWORD", "", text, "password of that login", secret=True),
    Variable(
        "REPLY_SMTP_CA_FILE", "", optional_path, "CA certificates to trust instead of the system's"
    ),
    Variable(
        "REPORT_FILE",
        "",
        optional_path,
        "written after each run: one HTML page on all there is to know, see `ttcli report`",
    ),
    Variable("APP_BASE_DIR", "/var/lib/trackandtrace", path, "folder of the spool"),
    Variable("MAX_CONCURRENT_JOBS", "1", whole(1, 64), "workbooks read at the same time"),
    Variable("FILE_RETENTION_DAYS", "30", whole(0, 36500), "days a loaded item is kept"),
    Variable("SCHEDULE_INTERVAL_HOURS", "1", whole(1, 720), "hours between two runs of the timer"),
    Variable(
        "STATUS_FAILED_ITEMS",
        "0",
        whole(0, 1000000),
        "`ttcli status --check` takes so many failed items for granted",
    ),
    Variable(
        "STATUS_WAITING_HOURS",
        "6",
        whole(0, 87600),
        "it complains of an item that waits longer to be read or loaded; 0: never",
    ),
    Variable(
        "STATUS_OUTAGE_HOURS",
        "6",
        whole(0, 87600),
        "it complains of a stage that has not succeeded for longer, or has not run; 0: never",
    ),
    Variable(
        "STATUS_SILENCE_HOURS",
        "0",
        whole(0, 87600),
        "it complains when nothing was loaded for longer; 0: never",
    ),
    Variable(
        "STATUS_PROMETHEUS_FILE",
        "",
        optional_prom_file,
        "written after each run for Prometheus's textfile collector; ends in .prom",
    ),
    Variable(
        "LOG_LEVEL",
        "INFO",
        choice("DEBUG", "INFO", "WARNING", "ERROR"),
        "least level that is logged",
    ),
    Variable(
        "LOG_DIR",
        "/var/log/trackandtrace",
        path,
        "folder of the log files; else logs/ in the spool",
    ),
    Variable(
        "LOG_FORMAT",
        "text",
        choice("text", "json"),
        "one line of text, or one JSON object, an event",
    ),
    Variable("DEBUG", "false", boolean, "log everything, with tracebacks"),
    Variable("WORKBOOK_PASSWORD", "", text, "opens password-protected workbooks", secret=True),
    Variable(
        "LIMIT_MEMORY_MB", "512", whole(64, 65536), "memory one workbook may use while it is read"
    ),
    Variable("LIMIT_CPU_SECONDS", "300", whole(1, 86400), "processor time one workbook may use"),
    Variable("LIMIT_WALL_SECONDS", "600", whole(1, 86400), "time one workbook may take"),
    Variable("LIMIT_INFLATED_MB", "4096", whole(1, 1048576), "size of a workbook when unpacked"),
    Variable("LIMIT_ROWS", "1048576", whole(1, 100000000), "rows of one sheet"),
    Variable("LIMIT_COLUMNS", "1024", whole(1, 16384), "columns of one sheet"),
    Variable("LIMIT_CELLS", "100000000", whole(1, 10**10), "cells of one workbook"),
)

"""mapping.toml: where it lies, and what it says of headings, formats and senders."""

from __future__ import annotations

from pathlib import Path

from ttcli import config as configuration
from ttcli.config import Config
from ttcli.rows.mapping import Mapping
from ttcli.rows.mapping_file import load_mapping


def current_mapping(config: Config) -> Mapping:
    """mapping.toml beside the configuration file, or the built-in synonyms alone.

    Raises:
        ConfigError: Every mistake in it at once.
    """
    path = mapping_file(config)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Mapping.default()
    return load_mapping(text)


def mapping_file(config: Config) -> Path:
    """Where mapping.toml is looked for."""
    return configuration.mapping_file(config.file)

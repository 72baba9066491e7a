"""Where rows go: table.py knows the table, mapping.py finds what mapping.toml says of it."""

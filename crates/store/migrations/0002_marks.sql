-- What the hub remembers by name: released guards, approved flows, when a record type was last listed whole. Values are JSON text.
CREATE TABLE marks (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

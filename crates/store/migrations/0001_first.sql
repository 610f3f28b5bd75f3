-- The first form of the store. Times are milliseconds since 1970; values, lists and objects are JSON text.

-- The numbers that are handed out next.
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    next INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counters VALUES ('record', 1), ('intent', 1);

-- Record types by name; those that the plan does not name any more stay.
CREATE TABLE record_types (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    checkpoint TEXT,
    checkpoint_bytes BLOB,
    complete INTEGER NOT NULL DEFAULT 0,
    read_from INTEGER,
    reading_since INTEGER,
    fingerprint INTEGER NOT NULL,
    records INTEGER NOT NULL DEFAULT 0
);

-- `claimed_at` is the time of the claim that each property has on the value in its shadow; what differs from that stands in `claims`.
CREATE TABLE records (
    id INTEGER PRIMARY KEY,
    type INTEGER NOT NULL,
    key TEXT NOT NULL,
    entity INTEGER NOT NULL,
    version TEXT,
    modified INTEGER,
    first_seen INTEGER NOT NULL,
    gone INTEGER NOT NULL DEFAULT 0,
    written_at INTEGER,
    claimed_at INTEGER,
    shadow TEXT NOT NULL,
    claims TEXT
);
CREATE UNIQUE INDEX records_key ON records (type, key);
-- An entity's number is that of the record it began with: records that stand alone need no row here.
CREATE INDEX records_entity ON records (entity) WHERE entity <> id;

-- Match keys and references: 64 bits of a hash, to be compared by value after the look-up. A number below none is that of a creation:
-- the record that it makes will be found so.
CREATE TABLE keys (
    hash INTEGER NOT NULL,
    record INTEGER NOT NULL,
    PRIMARY KEY (hash, record)
) WITHOUT ROWID;

-- Records to decide on: all numbers from `first` to `last`. What is read together has consecutive numbers.
CREATE TABLE agenda (
    rank INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (rank, first)
) WITHOUT ROWID;

-- Records that a person keeps apart, each pair in both directions.
CREATE TABLE apart (
    a INTEGER NOT NULL,
    b INTEGER NOT NULL,
    PRIMARY KEY (a, b)
) WITHOUT ROWID;

-- Writes that were decided, and what became of them.
CREATE TABLE intents (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    kind TEXT NOT NULL,
    rank INTEGER NOT NULL,
    type INTEGER NOT NULL,
    record INTEGER,
    entity INTEGER NOT NULL,
    source INTEGER NOT NULL,
    source_type INTEGER,
    flow INTEGER NOT NULL,
    base_version TEXT,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER,
    message TEXT,
    decided_at INTEGER NOT NULL,
    done_at INTEGER,
    changes TEXT NOT NULL
);
-- Open ones are `queued`, `refused`, `sent` and `unknown`, and come after `done` and `dropped`: one comparison, where a list would be
-- built anew for each row that is written. Where and what they are is in memory while the store is open.
CREATE INDEX intents_open ON intents (id) WHERE state > 'dropped';
CREATE INDEX intents_record ON intents (record) WHERE record IS NOT NULL;
CREATE INDEX intents_source ON intents (source);

-- Intents with these numbers that say `queued` have been handed over to their system: they are `sent`. One row for a whole batch.
CREATE TABLE sending (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL
);

-- What waits for a person; closed ones are gone from here and stand in the journal.
CREATE TABLE reviews (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    record INTEGER NOT NULL,
    type INTEGER NOT NULL,
    path TEXT NOT NULL DEFAULT '',
    rule TEXT NOT NULL,
    candidates TEXT,
    value TEXT,
    message TEXT NOT NULL,
    opened_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX reviews_record ON reviews (record, kind, type, path);
CREATE INDEX reviews_age ON reviews (opened_at, id);

-- What happened; rows are only ever added. What was created stands in `intents`: done, with the record that it made.
CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    run INTEGER NOT NULL,
    kind TEXT NOT NULL,
    record INTEGER NOT NULL,
    path TEXT,
    before TEXT,
    after TEXT,
    rule TEXT,
    other INTEGER,
    intent INTEGER,
    text TEXT NOT NULL DEFAULT ''
);
CREATE INDEX journal_record ON journal (record);

CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    started INTEGER NOT NULL,
    ended INTEGER,
    summary TEXT
);

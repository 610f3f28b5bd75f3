-- The number of a review is never given to another one: whoever answers number 4 answers what they have read.
CREATE TABLE reviews_numbered (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
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
INSERT INTO reviews_numbered SELECT id, kind, record, type, path, rule, candidates, value, message, opened_at FROM reviews;
DROP TABLE reviews;
ALTER TABLE reviews_numbered RENAME TO reviews;
CREATE UNIQUE INDEX reviews_record ON reviews (record, kind, type, path);
CREATE INDEX reviews_age ON reviews (opened_at, id);

-- Whom a record is linked with stands in a narrow table of its own: linking changed one number in a wide row, and of ten thousand records
-- that are linked together nearly each row lay on a page of its own.

-- The entity of each record that did not begin it: an entity's number is that of the record it began with, and a record without a row here
-- is its own.
CREATE TABLE links (
    record INTEGER PRIMARY KEY,
    entity INTEGER NOT NULL
);
INSERT INTO links SELECT id, entity FROM records WHERE entity <> id ORDER BY id;
CREATE INDEX links_entity ON links (entity);
DROP INDEX records_entity;
ALTER TABLE records DROP COLUMN entity;

-- For whoever looks in with the `sqlite3` shell: every record with its entity.
CREATE VIEW entities AS
    SELECT coalesce(l.entity, r.id) AS entity, r.id AS record, t.name AS type, r.key, r.gone, r.first_seen
    FROM records r JOIN record_types t ON t.id = r.type LEFT JOIN links l ON l.record = r.id;

-- What became of an intent stands in a narrow table of its own. The row of an intent is written once, when it is decided: closing it again
-- rewrote a wide row for each record that a first run makes, and moved two indexes.

-- An intent without an outcome is queued, or under way where `sending` has it. `record` is the record that a creation made.
CREATE TABLE outcomes (
    intent INTEGER PRIMARY KEY,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    not_before INTEGER,
    message TEXT,
    record INTEGER,
    done_at INTEGER
);
INSERT INTO outcomes
    SELECT id, state, attempts, not_before, message, CASE kind WHEN 'create' THEN record END, done_at FROM intents
    WHERE state <> 'queued' OR attempts > 0 OR not_before IS NOT NULL OR message IS NOT NULL;
CREATE INDEX outcomes_record ON outcomes (record) WHERE record IS NOT NULL;

-- All numbers from `first` to `last` are those of open intents. Where and what they are is in memory while the store is open.
CREATE TABLE open_intents (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL
);
INSERT INTO open_intents SELECT id, id FROM intents WHERE state > 'dropped';

DROP INDEX intents_open;
UPDATE intents SET record = NULL WHERE kind = 'create' AND record IS NOT NULL;
ALTER TABLE intents DROP COLUMN state;
ALTER TABLE intents DROP COLUMN attempts;
ALTER TABLE intents DROP COLUMN not_before;
ALTER TABLE intents DROP COLUMN message;
ALTER TABLE intents DROP COLUMN done_at;

-- For whoever looks in with the `sqlite3` shell: every write that was decided, with what became of it.
CREATE VIEW writes AS
    SELECT i.id, i.run, i.kind, t.name AS type, coalesce(o.record, i.record) AS record, i.entity, i.source,
        coalesce(o.state, CASE WHEN EXISTS (SELECT 1 FROM sending WHERE i.id BETWEEN first AND last) THEN 'sent' ELSE 'queued' END)
            AS state,
        coalesce(o.attempts, 0) AS attempts, o.message, i.decided_at, o.done_at, i.changes
    FROM intents i JOIN record_types t ON t.id = i.type LEFT JOIN outcomes o ON o.intent = i.id;

-- How many live records of a type are known changes with every batch that is delivered; beside a checkpoint of some megabytes that cost as
-- much as the batch.
CREATE TABLE record_counts (
    type INTEGER PRIMARY KEY,
    records INTEGER NOT NULL
);
INSERT INTO record_counts SELECT id, records FROM record_types;
ALTER TABLE record_types DROP COLUMN records;

-- The store counts live records itself, with each commit. What an earlier program had told it was
-- not always so: it did not hear of records that were found deleted by a write.
DELETE FROM record_counts;
INSERT INTO record_counts SELECT type, count(*) FROM records WHERE gone = 0 GROUP BY type;

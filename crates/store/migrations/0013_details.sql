-- What an entry says besides its records, values and rule, as a value (JSON). What a system said, and entries of an earlier program, stand in text.
ALTER TABLE journal ADD COLUMN detail TEXT;

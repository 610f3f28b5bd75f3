-- Why a person is asked, as a value (JSON). Reviews that an earlier program has opened have their message only.
ALTER TABLE reviews ADD COLUMN why TEXT;

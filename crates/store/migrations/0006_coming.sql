-- What happened to match keys in a great load that is under way, and is not in `keys` yet: 17 bytes for each, the hash, the record (both
-- with the lowest byte first) and 1 where it is added or 0 where it is removed. Later rows overrule earlier ones. Empty but for that.
CREATE TABLE keys_coming (
    id INTEGER PRIMARY KEY,
    changes BLOB NOT NULL
);

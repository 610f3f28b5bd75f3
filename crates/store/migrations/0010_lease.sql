-- Who may write: the token of the last one that has taken the store over.
CREATE TABLE lease (
    token TEXT NOT NULL
);
INSERT INTO lease VALUES (lower(hex(randomblob(16))));

-- What tells this store's writes from another's: part of every idempotency key (C2). Drawn once, when the store is made.
CREATE TABLE identity (
    id TEXT NOT NULL
);
INSERT INTO identity SELECT lower(hex(randomblob(8)));

//! Every statement that the store prepares, in one list, so that a test can look at the query plan
//! of each: an unindexed look-up makes a run quadratic long before anybody notices it on a small
//! project.
//!
//! What is run once per opening or per commit without a plan (pragmas, `BEGIN`, migrations) stands
//! where it is used.

use rusqlite::{CachedStatement, Connection};

/// A statement of the list below; nothing else can be prepared.
#[derive(Clone, Copy)]
pub(super) struct Sql(&'static str);

impl Sql {
    /// Prepares it, or takes it from the connection's cache.
    pub(super) fn prepare(self, conn: &Connection) -> rusqlite::Result<CachedStatement<'_>> {
        conn.prepare_cached(self.0)
    }
}

macro_rules! statements {
    ($($name:ident = $text:expr;)+) => {
        $(pub(super) const $name: Sql = Sql($text);)+
        /// All statements, by name.
        #[cfg(test)]
        const ALL: &[(&str, Sql)] = &[$((stringify!($name), $name)),+];
        /// How many there are: the size of the connection's cache.
        pub(super) const COUNT: usize = [$($name),+].len();
    };
}

macro_rules! record {
    ($rest:literal) => {
        concat!(
            "SELECT id, type, key, coalesce(entity, id), version, modified, first_seen, gone, written_at, claimed_at, shadow, claims FROM ",
            $rest
        )
    };
}

macro_rules! intent {
    ($rest:literal) => {
        concat!(
            "SELECT i.id, run, kind, rank, type, coalesce(o.record, i.record), entity, source, source_type, base_version, state, attempts, ",
            "not_before, message, decided_at, done_at, changes FROM intents i LEFT JOIN outcomes o ON o.intent = i.id ",
            $rest
        )
    };
}

macro_rules! review {
    ($rest:literal) => {
        concat!("SELECT kind, record, type, path, rule, candidates, value, message, opened_at, id, why FROM reviews ", $rest)
    };
}

statements! {
    COUNTERS = "SELECT name, next FROM counters";
    LEASE = "SELECT token FROM lease";
    DRAW_LEASE = "UPDATE lease SET token = lower(hex(randomblob(16)))";
    SET_COUNTER = "UPDATE counters SET next = ?2 WHERE name = ?1";

    TYPE_BY_NAME = "SELECT id, checkpoint, checkpoint_bytes, complete, read_from, reading_since, fingerprint, records
        FROM record_types LEFT JOIN record_counts ON type = id WHERE name = ?1";
    RECORD_TYPES = "SELECT id, name, records FROM record_types LEFT JOIN record_counts ON type = id ORDER BY id";
    SHARED_KEYS = "SELECT count(*) FROM records a JOIN records b ON b.type = (SELECT id FROM record_types WHERE name = ?2) AND b.key = a.key
        WHERE a.type = (SELECT id FROM record_types WHERE name = ?1)";
    NEW_TYPE = "INSERT INTO record_types (name, fingerprint) VALUES (?1, ?2)";
    SET_TYPE = "UPDATE record_types SET checkpoint = ?2, checkpoint_bytes = ?3, complete = ?4, read_from = ?5, reading_since = ?6,
        fingerprint = ?7 WHERE id = ?1";
    ADD_TO_COUNT = "INSERT INTO record_counts (type, records) VALUES (?1, max(?2, 0)) ON CONFLICT (type) DO UPDATE SET records = max(records + ?2, 0)";
    IS_LIVE = "SELECT gone = 0 FROM records WHERE id = ?1";

    RECORDS = record!("records LEFT JOIN links ON record = id WHERE id BETWEEN ?1 AND ?2");
    KEYS_FROM = "SELECT key, id FROM records WHERE type = ?1 AND key >= ?2 ORDER BY key";
    MEMBERS = record!("links CROSS JOIN records ON id = record WHERE entity BETWEEN ?1 AND ?2");
    KEYS_OF = "SELECT id, key FROM records WHERE id BETWEEN ?1 AND ?2";
    TYPE_OF = "SELECT type FROM records WHERE id = ?1";
    LIVE_KEYS = "SELECT key, id FROM records WHERE type = ?1 AND key > ?2 AND gone = 0 ORDER BY key LIMIT ?3";
    // The first page: an empty text may itself be a key, and nothing is below it.
    FIRST_LIVE_KEYS = "SELECT key, id FROM records WHERE type = ?1 AND gone = 0 ORDER BY key LIMIT ?2";
    LINKED = "SELECT entity, type FROM links CROSS JOIN records ON id = record WHERE entity > ?1 ORDER BY entity";
    BEGAN_WITH = "SELECT type FROM records WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM links WHERE record = ?1)";
    NEW_RECORD = "INSERT INTO records (id, type, key, version, modified, first_seen, gone, written_at, claimed_at, shadow, claims)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    CHANGE_RECORD = "UPDATE records SET version = ?2, modified = ?3, first_seen = ?4, gone = ?5, written_at = ?6, claimed_at = ?7,
        shadow = ?8, claims = ?9 WHERE id = ?1";
    REKEY = "UPDATE records SET key = ?2 WHERE id = ?1";
    LINKS = "SELECT record, entity FROM links WHERE record BETWEEN ?1 AND ?2";
    SET_LINK = "INSERT INTO links (record, entity) VALUES (?1, ?2) ON CONFLICT (record) DO UPDATE SET entity = excluded.entity";
    END_LINK = "DELETE FROM links WHERE record = ?1";

    BY_HASH = "SELECT record FROM keys WHERE hash = ?1";
    ADD_KEY = "INSERT OR IGNORE INTO keys (hash, record) VALUES (?1, ?2)";
    // By rowid: in the order in which it was noted.
    COMING = "SELECT changes FROM keys_coming ORDER BY id";
    NOTE_COMING = "INSERT INTO keys_coming (changes) VALUES (?1)";
    NO_COMING = "DELETE FROM keys_coming";
    REMOVE_KEY = "DELETE FROM keys WHERE hash = ?1 AND record = ?2";

    AGENDA = "SELECT rank, first, last FROM agenda";
    SET_AGENDA = "INSERT OR REPLACE INTO agenda (rank, first, last) VALUES (?1, ?2, ?3)";
    END_AGENDA = "DELETE FROM agenda WHERE rank = ?1 AND first = ?2";

    APART = "SELECT a, b FROM apart WHERE a BETWEEN ?1 AND ?2";
    ADD_APART = "INSERT OR IGNORE INTO apart (a, b) VALUES (?1, ?2)";
    REMOVE_APART = "DELETE FROM apart WHERE a = ?1 AND b = ?2";

    INTENTS = intent!("WHERE i.id BETWEEN ?1 AND ?2 ORDER BY i.id");
    OPEN = "SELECT first, last FROM open_intents";
    SET_OPEN = "INSERT OR REPLACE INTO open_intents (first, last) VALUES (?1, ?2)";
    END_OPEN = "DELETE FROM open_intents WHERE first = ?1";
    OPEN_BETWEEN = "SELECT id, type, rank, entity, kind, state, not_before, attempts > 0 OR message IS NOT NULL
        FROM intents LEFT JOIN outcomes ON intent = id WHERE id BETWEEN ?1 AND ?2";
    OPEN_BY_KIND = "SELECT t.name, i.kind, count(*) FROM open_intents CROSS JOIN intents i ON i.id BETWEEN first AND last
        LEFT JOIN outcomes o ON o.intent = i.id JOIN record_types t ON t.id = i.type
        WHERE coalesce(o.state, 'queued') <> 'refused' GROUP BY t.name, i.kind ORDER BY t.name, i.kind";
    DOUBT_OPEN = "INSERT INTO outcomes (intent, state, attempts, not_before, message)
        SELECT i.id, 'unknown', 0, ?1, ?2 FROM open_intents CROSS JOIN intents i ON i.id BETWEEN first AND last WHERE true
        ON CONFLICT (intent) DO UPDATE SET state = 'unknown', not_before = max(coalesce(not_before, 0), excluded.not_before),
            message = excluded.message WHERE state <> 'refused'";
    COUNT_LINKS = "SELECT count(*) FROM links";
    JOURNAL_SPAN = "SELECT coalesce((SELECT max(id) FROM journal) - (SELECT min(id) FROM journal) + 1, 0)";
    NO_SENDING = "DELETE FROM sending";
    SENDING = "SELECT first, last FROM sending";
    SET_SENDING = "INSERT OR REPLACE INTO sending (first, last) VALUES (?1, ?2)";
    END_SENDING = "DELETE FROM sending WHERE first = ?1";
    CLOSED = "SELECT entity, type, rank, kind, state FROM intents LEFT JOIN outcomes ON intent = id WHERE id = ?1";
    // Nothing in a run asks for closed intents by state, so they have no index: this walks them in
    // the order of their numbers.
    CLOSED_IN = intent!("WHERE i.id > ?1 AND state = ?2 ORDER BY i.id LIMIT ?3");
    INTENTS_TO = "SELECT id FROM intents WHERE record = ?1 ORDER BY id LIMIT ?2";
    INTENTS_THAT_MADE = "SELECT intent FROM outcomes WHERE record = ?1 ORDER BY intent LIMIT ?2";
    INTENTS_FROM = "SELECT id FROM intents WHERE source = ?1 ORDER BY id LIMIT ?2";
    NEW_INTENT = "INSERT INTO intents (id, run, kind, rank, type, record, entity, source, source_type, base_version, decided_at, changes)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    MOVE_INTENT = "UPDATE intents SET entity = ?2 WHERE id = ?1";
    SET_OUTCOME = "INSERT INTO outcomes (intent, state, attempts, not_before, message, done_at, record)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (intent) DO UPDATE SET state = excluded.state, attempts = excluded.attempts,
        not_before = excluded.not_before, message = excluded.message, done_at = excluded.done_at,
        record = coalesce(excluded.record, record)";

    OPEN_REVIEWS = review!("WHERE record BETWEEN ?1 AND ?2");
    REVIEWS = review!("ORDER BY opened_at, id LIMIT ?1");
    REVIEW_COUNTS = "SELECT kind, type, path, count(*) FROM reviews GROUP BY kind, type, path";
    OPEN_REVIEW = "INSERT INTO reviews (kind, record, type, path, rule, candidates, value, message, opened_at, why)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        ON CONFLICT (record, kind, type, path) DO UPDATE SET rule = excluded.rule, candidates = excluded.candidates,
        value = excluded.value, message = excluded.message, why = excluded.why";
    CLOSE_REVIEW = "DELETE FROM reviews WHERE record = ?1 AND kind = ?2 AND type = ?3 AND path = ?4";

    JOURNAL = "SELECT id, at, run, kind, record, path, before, after, rule, other, intent, text, detail FROM journal
        WHERE record = ?1 ORDER BY id LIMIT ?2";
    ADD_JOURNAL = "INSERT INTO journal (at, run, kind, record, path, before, after, rule, other, intent, text, detail)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

    MARKS = "SELECT name, value FROM marks ORDER BY name";
    IDENTITY = "SELECT id FROM identity";
    SET_MARK = "INSERT INTO marks (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    REMOVE_MARK = "DELETE FROM marks WHERE name = ?1";
    // Asked for where a run begins with writes left over, and where a guard has tripped.
    KIND_OF = "SELECT kind FROM intents WHERE id = ?1";
    CREATION_OF = "SELECT i.id, o.done_at, i.run, i.source, t.name, r.key FROM outcomes o JOIN intents i ON i.id = o.intent
        JOIN records r ON r.id = o.record JOIN record_types t ON t.id = r.type
        WHERE o.record = ?1 AND o.state = 'done' ORDER BY o.intent LIMIT 1";

    // By run: see `look_back.rs`.
    LAST_INTENT = "SELECT max(id) FROM intents";
    WRITTEN_NAMES = "SELECT t.name, s.name, i.changes FROM intents i JOIN record_types t ON t.id = i.type
        LEFT JOIN record_types s ON s.id = i.source_type WHERE i.id BETWEEN ?1 AND ?2";
    RUN_OF_INTENT = "SELECT run FROM intents WHERE id >= ?1 ORDER BY id LIMIT 1";
    LAST_ENTRY = "SELECT max(id) FROM journal";
    RUN_OF_ENTRY = "SELECT run FROM journal WHERE id >= ?1 ORDER BY id LIMIT 1";
    JOURNAL_BETWEEN = "SELECT id, at, run, kind, record, path, before, after, rule, other, intent, text, detail FROM journal
        WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3";
    LAST_RUN = "SELECT max(id) FROM runs";
    STARTED = "SELECT started FROM runs WHERE id >= ?1 ORDER BY id LIMIT 1";
    RUN = "SELECT id, started, ended, summary FROM runs WHERE id = ?1";
    PRUNE_JOURNAL = "DELETE FROM journal WHERE id < ?1";

    BEGIN_RUN = "INSERT INTO runs (started) VALUES (?1)";
    END_RUN = "UPDATE runs SET ended = ?2, summary = ?3 WHERE id = ?1";
    RUNS = "SELECT id, started, ended, summary FROM runs ORDER BY id DESC LIMIT ?1";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What walks a whole table or index or sorts a whole result, and why it may.
    const MAY: &[(&str, &str)] = &[
        ("COUNTERS", "SCAN counters"),
        // One row for each record type.
        ("RECORD_TYPES", "SCAN record_types"),
        // Read once, when the store is opened.
        ("AGENDA", "SCAN agenda"),
        ("SENDING", "SCAN sending"),
        ("OPEN", "SCAN open_intents"),
        // One row of three look-ups.
        ("JOURNAL_SPAN", "SCAN CONSTANT ROW"),
        // Once a minute at most.
        ("COUNT_LINKS", "SCAN links"),
        // Once, when a copy is put in the place of a store.
        ("OPEN_BY_KIND", "SCAN open_intents"),
        ("OPEN_BY_KIND", "USE TEMP B-TREE FOR GROUP BY"),
        ("DOUBT_OPEN", "SCAN open_intents"),
        ("COMING", "SCAN keys_coming"),
        // What was asked for is all there is, up to a limit, or its count.
        ("REVIEWS", "SCAN reviews USING INDEX reviews_age"),
        ("REVIEW_COUNTS", "SCAN reviews USING COVERING INDEX reviews_record"),
        ("REVIEW_COUNTS", "USE TEMP B-TREE FOR GROUP BY"),
        ("RUNS", "SCAN runs"),
        ("MARKS", "SCAN marks"),
        ("IDENTITY", "SCAN identity"),
        // One row.
        ("LEASE", "SCAN lease"),
        ("DRAW_LEASE", "SCAN lease"),
    ];

    fn plan_of(conn: &Connection, sql: Sql) -> Vec<String> {
        let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {}", sql.0)).unwrap();
        for parameter in 1..=statement.parameter_count() {
            statement.raw_bind_parameter(parameter, 1).unwrap();
        }
        let mut rows = statement.raw_query();
        let mut plan = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            plan.push(row.get(3).unwrap());
        }
        plan
    }

    #[test]
    fn no_statement_walks_what_grows() {
        let store = crate::SqliteStore::in_memory().unwrap();
        let mut seen = Vec::new();
        for (name, sql) in ALL {
            for step in plan_of(store.connection(), *sql) {
                if step.contains("SCAN")
                    || step.contains("TEMP B-TREE")
                    || step.contains("AUTOMATIC")
                {
                    assert!(MAY.contains(&(name, &step)), "{name}: {step}");
                    seen.push((*name, step));
                }
            }
        }
        for (name, step) in MAY {
            assert!(
                seen.contains(&(name, step.to_string())),
                "{name} does not do this any more: {step}"
            );
        }
    }

    #[test]
    fn look_ups_use_the_index_that_is_meant() {
        let store = crate::SqliteStore::in_memory().unwrap();
        let plan = |sql| plan_of(store.connection(), sql).join("; ");
        assert_eq!(
            plan(RECORDS),
            "SEARCH records USING INTEGER PRIMARY KEY (rowid>? AND rowid<?); SEARCH links USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN"
        );
        assert_eq!(
            plan(KEYS_FROM),
            "SEARCH records USING COVERING INDEX records_key (type=? AND key>?)"
        );
        assert_eq!(
            plan(MEMBERS),
            "SEARCH links USING COVERING INDEX links_entity (entity>? AND entity<?); SEARCH records USING INTEGER PRIMARY KEY (rowid=?)"
        );
        assert_eq!(plan(LIVE_KEYS), "SEARCH records USING INDEX records_key (type=? AND key>?)");
        assert_eq!(plan(BY_HASH), "SEARCH keys USING PRIMARY KEY (hash=?)");
        assert_eq!(
            plan(INTENTS_FROM),
            "SEARCH intents USING COVERING INDEX intents_source (source=?)"
        );
        assert_eq!(plan(JOURNAL), "SEARCH journal USING INDEX journal_record (record=?)");
    }
}

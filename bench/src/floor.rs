//! The floor under a first run: parse both sides to generic JSON values, and store each record as a
//! blob with two key rows in one SQLite transaction. Nothing is linked, decided or written to a
//! system; a first run is held against three times this.
//!
//!     floor DIR     the folder that bench/run.sh prepared (a/Contacts.jsonl, b/Person.jsonl)

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, params};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::args().nth(1).ok_or("usage: floor DIR")?;
    let dir = Path::new(&dir);
    let db = dir.join("floor.db");
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(dir.join(format!("floor.db{suffix}")));
    }
    let began = Instant::now();
    let mut store = Connection::open(db)?;
    store.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY;
         PRAGMA wal_autocheckpoint=65536;
         CREATE TABLE records(id INTEGER PRIMARY KEY, body BLOB);
         CREATE TABLE keys(hash INTEGER, record INTEGER, PRIMARY KEY(hash, record)) WITHOUT ROWID;",
    )?;
    let transaction = store.transaction()?;
    let (mut records, mut parsing) = (0i64, std::time::Duration::ZERO);
    {
        let mut insert = transaction.prepare("INSERT INTO records VALUES (?1, ?2)")?;
        let mut key = transaction.prepare("INSERT OR IGNORE INTO keys VALUES (?1, ?2)")?;
        for (file, id, mail) in [
            ("a/Contacts.jsonl", "/id", "/info/emails/0/email"),
            ("b/Person.jsonl", "/PersonId", "/Emails/0/Value"),
        ] {
            let mut lines = BufReader::with_capacity(1 << 20, File::open(dir.join(file))?);
            let mut line = String::new();
            while lines.read_line(&mut line)? > 0 {
                let at = Instant::now();
                let value: Value = serde_json::from_str(&line)?;
                parsing += at.elapsed();
                records += 1;
                insert.execute(params![records, line.as_bytes()])?;
                for pointer in [id, mail] {
                    let text = value.pointer(pointer).map(ToString::to_string).unwrap_or_default();
                    key.execute(params![xxh3_64(text.as_bytes()) as i64, records])?;
                }
                line.clear();
            }
        }
    }
    transaction.commit()?;
    let whole = began.elapsed();
    println!(
        "floor: {records} records in {:.2} s, of that parsing {:.2} s",
        whole.as_secs_f64(),
        parsing.as_secs_f64()
    );
    Ok(())
}

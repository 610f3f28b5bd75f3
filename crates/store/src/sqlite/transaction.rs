//! One commit, written part by part.

use super::database::Database;
use super::fault::Fallible;
use super::statements;
use crate::Commit;

impl Database {
    pub(super) fn commit(&mut self, mut commit: Commit) -> Fallible<()> {
        for (ty, status) in &commit.types {
            let (text, bytes) =
                status.checkpoint.as_ref().map(|(text, bytes)| (text, bytes)).unzip();
            statements::SET_TYPE.prepare(&self.conn)?.execute((
                self.bound.ty(*ty)?.row,
                text,
                bytes,
                status.complete,
                status.read_from.map(|at| at.0),
                status.reading_since.map(|at| at.0),
                status.fingerprint as i64,
            ))?;
        }
        self.write_records(&mut commit)?;
        self.write_intents(&commit)?;
        self.write_reviews(&commit)?;
        self.write_journal(&commit.journal)?;
        self.write_marks(&commit)?;
        Ok(())
    }
}

//! A system's own automation: it has a value of its own for a property, and puts it back whenever
//! the hub has written another one. Two of them, or one and somebody who insists, would go on for
//! ever (P5).
//!
//! It does so some time after the write; in this world that is when the system is next asked for
//! its records. It goes on after everything else has healed.

use crate::forms::GROUP;
use crate::system::{Row, Rows, SimulatedSystem};
use crate::truth::{At, Deed, Does, Truth};

/// More writes than that to one property, with no person's edit in between, are a circle that
/// nobody stops. The first write, those after which it is put back, and as many again for answers
/// that were lost in between.
const MOST_WRITES: u32 = 10;

impl SimulatedSystem {
    /// What the hub has written is to be put back, where the system has an automation for it. It
    /// minds every second record.
    pub(crate) fn notice(&self, key: u64, row: &mut Row, deed: &Deed) {
        if deed.kind == Does::Update && key.is_multiple_of(2) {
            row.due.extend(
                deed.values
                    .iter()
                    .map(|(prop, _, _)| *prop)
                    .filter(|prop| self.drawn.puts_back.contains(prop)),
            );
        }
    }

    /// Puts back what is due.
    pub(crate) fn put_back(&self, rows: &mut Rows) {
        let due: Vec<u64> = rows
            .all
            .iter()
            .filter(|(_, row)| !row.gone && !row.due.is_empty())
            .map(|(key, _)| *key)
            .collect();
        for key in due {
            let row = rows.all.get_mut(&key).expect("just found");
            let mut truth = self.truth.look();
            let who = row.who_is().to_string();
            for prop in std::mem::take(&mut row.due) {
                let at: At = (self.number, row.id.clone());
                let own = row
                    .own
                    .entry(prop)
                    .or_insert_with(|| truth.automation_value(&who, at.clone(), prop));
                let own = self.kept(prop, own);
                truth.edited_now(&own);
                truth.fault("put back");
                truth.tell(
                    &row.texts[crate::draw::WHO],
                    format!("{}/{} {prop} is put back to {own:?}", self.drawn.name, row.id),
                );
                row.texts.insert(prop, own);
                truth.lost.remove(&(at, prop));
                row.before = None;
            }
            drop(truth);
            self.stamp(rows, key);
        }
    }
}

impl Truth {
    /// P5: counts the hub's writes to a property since somebody last edited it anywhere.
    pub(crate) fn count_writes(&mut self, who: &str, deed: &Deed) {
        if self.sharing.contains(who) {
            // Two people whose records may be linked: it is not told whose edit was the last.
            return;
        }
        for prop in deed.values.iter().map(|(prop, _, _)| prop).chain(&deed.lost) {
            let writes = self
                .writes
                .entry((who.to_string(), *prop))
                .or_default()
                .entry(deed.at.clone())
                .or_default();
            *writes += 1;
            if *writes > MOST_WRITES {
                let message = format!(
                    "{prop} of {:?} has been written {writes} times since anybody edited it",
                    deed.at
                );
                self.broken("goes round in a circle", who, message);
            }
        }
    }

    /// Somebody edits a property of this person, or says something about it: what is written after
    /// that has a reason.
    pub(crate) fn reason_to_write(&mut self, who: &str, prop: Option<&'static str>) {
        let together = |one, other| GROUP.contains(&one) && GROUP.contains(&other);
        let is_another = |prop, what| prop != what && !together(prop, what);
        self.writes
            .retain(|(of, what), _| of != who || prop.is_some_and(|prop| is_another(prop, *what)));
        self.failed.retain(|(_, of, _), _| of != who);
    }
}

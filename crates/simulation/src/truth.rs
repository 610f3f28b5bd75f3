//! What really happened, as nobody in the world knows it: who edited what, what the hub wrote, and
//! what was wrong with that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use lockstep_model::Value;

use crate::draw::SCORE;
use crate::forms::GROUP;

/// A record by its place in the world: the system's number and its id there.
pub type At = (usize, String);

/// Where a value came from. Every edit has a number, which stands in the value as `x17`.
#[derive(Clone, Debug)]
pub struct Edit {
    pub at: At,
    pub who: String,
    pub prop: &'static str,
    /// How many whole and undisturbed runs had been when it was made.
    pub epoch: usize,
}

/// What a record's group held when somebody put something into it (P1e).
#[derive(Clone, Debug)]
pub struct PutIn {
    pub at: At,
    pub numbers: GroupNumbers,
    /// How many whole and undisturbed runs had been.
    pub epoch: usize,
}

/// The numbers of the edits that the values of a record's group came from.
pub type GroupNumbers = [Option<u64>; GROUP.len()];

/// Somebody has put an element into a list, or taken it out (P11).
#[derive(Clone, Debug)]
pub struct TagEdit {
    pub at: At,
    pub who: String,
    /// The edit that the element comes from.
    pub number: u64,
    pub puts_in: bool,
    /// How many whole and undisturbed runs had been.
    pub epoch: usize,
}

/// Somebody has done something to an element of a list that is a record of its own.
#[derive(Clone, Debug)]
pub struct LineEdit {
    pub at: At,
    pub who: String,
    /// The element's key.
    pub no: u64,
    pub of: OfLine,
    /// The edit that the value comes from; of an element that is put in or taken out its key.
    pub number: u64,
    /// How many whole and undisturbed runs had been.
    pub epoch: usize,
}

/// What somebody has done to an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfLine {
    In,
    Out,
    Prop(&'static str),
}

/// Something that the hub did to a system.
#[derive(Clone, Debug)]
pub struct Deed {
    pub at: At,
    pub kind: Does,
    /// Path, what was there, what is there.
    pub values: Vec<(&'static str, String, String)>,
    /// Of what was written, what the system has not kept (R6).
    pub lost: Vec<&'static str>,
    /// It may rightly write what is there: an earlier write asked for it and the system has not
    /// kept it, or somebody was faster.
    pub again: bool,
    /// The hub was told that it was done.
    pub answered: bool,
}

/// What kind of thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Does {
    Create,
    Update,
    Delete,
}

/// A creation whose outcome the hub was not told.
#[derive(Clone, Debug)]
pub struct Sent {
    pub run: usize,
    /// It is not to be sent again before.
    pub until: i64,
}

/// Writes that failed, one after the other.
#[derive(Clone, Debug)]
pub struct Failed {
    /// What was to be written.
    pub sent: String,
    pub times: u32,
    /// The same, with what was to be written before that.
    pub in_all: u32,
    pub last: i64,
    /// In which run the last of them was.
    pub run: usize,
}

/// A rule that was broken.
#[derive(Clone, Debug)]
pub struct Violation {
    pub checker: &'static str,
    pub message: String,
    /// The person whose records it is about, where it is about one.
    pub who: Option<String>,
}

/// Everything that happened.
#[derive(Debug, Default)]
pub struct Truth {
    pub edits: BTreeMap<u64, Edit>,
    /// What people have put into groups.
    pub groups: Vec<PutIn>,
    /// What people have put into lists and taken out of them.
    pub tags: Vec<TagEdit>,
    /// The same, where the elements are records of their own.
    pub lines: Vec<LineEdit>,
    pub deeds: Vec<Deed>,
    pub violations: Vec<Violation>,
    /// What happened, in words, with the person it was about.
    pub story: Vec<(String, String)>,
    pub faults: BTreeMap<&'static str, u64>,
    /// How many of them have kept the hub from seeing or doing what is right at once.
    pub disturbances: u64,
    /// The number of the run.
    pub run: usize,
    /// What systems acknowledged and do not hold (R6).
    pub lost: BTreeSet<(At, &'static str)>,
    /// Creations whose outcome the hub was not told, by system and person (C2).
    pub sent: BTreeMap<(usize, String), Sent>,
    /// Writes for somebody that failed, one after the other (G4).
    pub failed: BTreeMap<(usize, String, Does), Failed>,
    pub epoch: usize,
    /// Nothing goes wrong any more.
    pub healed: bool,
    pub people_edits: u64,
    /// Pairs that a person keeps apart, with the number of the last edit before that (L7).
    pub apart: BTreeMap<(At, At), u64>,
    /// How often somebody has said of a person that they are one more than was thought (L7).
    pub divided: BTreeMap<String, usize>,
    /// People whose records somebody has linked by hand: what comes of that is by that person's
    /// word.
    pub joined: BTreeSet<String>,
    /// People whose deletion was passed on by a person's word.
    pub let_go: BTreeSet<String>,
    /// Whom somebody wants created in a system once more who was made there and deleted.
    pub anew: BTreeSet<(usize, String)>,
    /// What people did through Lockstep.
    pub acts: u64,
    /// People who share an address with another.
    pub sharing: BTreeSet<String>,
    /// A record of one of these was deleted, or somebody has kept it apart from others.
    lost_a_sharer: bool,
    /// How often the hub has written a property of a person's records since somebody edited it.
    pub writes: BTreeMap<(String, &'static str), BTreeMap<At, u32>>,
    /// Properties of people of which somebody has said that the sides may differ, or which of them
    /// is right (P5).
    pub said: BTreeSet<(String, &'static str)>,
    pub conflicts: u64,
    next_edit: u64,
}

/// The truth, as all systems share it.
#[derive(Clone, Debug, Default)]
pub struct Shared(Arc<Mutex<Truth>>);

impl Shared {
    /// Looks at it, or adds to it.
    pub fn look(&self) -> MutexGuard<'_, Truth> {
        self.0.lock().expect("nobody dies while holding it")
    }
}

impl Truth {
    /// A fresh value that somebody puts in; its number comes first, so that no system cuts it off.
    pub fn value(&mut self, who: &str, at: At, prop: &'static str) -> String {
        self.people_edits += 1;
        self.automation_value(who, at, prop)
    }

    /// The same for a system's own automation.
    pub fn automation_value(&mut self, who: &str, at: At, prop: &'static str) -> String {
        self.next_edit += 1;
        let number = self.next_edit;
        self.edits.insert(number, Edit { at, who: who.to_string(), prop, epoch: self.epoch });
        match prop {
            SCORE => format!("x{number}.26"),
            prop => format!("x{number} {prop} "),
        }
    }

    /// Where people have put in the value of an edit: an element of a list perhaps in several places.
    pub fn origins(&self, number: u64) -> impl Iterator<Item = &At> {
        let elements = self.tags.iter().filter(move |tag| tag.puts_in && tag.number == number);
        let first = self.edits.get(&number).map(|edit| &edit.at);
        first.into_iter().chain(elements.map(|tag| &tag.at))
    }

    /// What a record's group holds is what somebody wants it to.
    pub fn put_in_group(&mut self, at: At, numbers: GroupNumbers) {
        let epoch = self.epoch;
        self.groups.push(PutIn { at, numbers, epoch });
    }

    /// A value is put in once more.
    pub fn edited_now(&mut self, value: &str) {
        let epoch = self.epoch;
        if let Some(edit) = number_of(value).and_then(|number| self.edits.get_mut(&number)) {
            edit.epoch = epoch;
        }
    }

    /// A person keeps two records apart from now on.
    pub fn keep_apart(&mut self, one: At, other: At) {
        let last = self.next_edit;
        self.apart.insert((one, other), last);
    }

    /// A person has one record less.
    pub fn lost_a_record(&mut self, who: &str) {
        // G4: what failed for it is dropped; what is made for another is another write.
        self.failed.retain(|(_, of, _), _| of != who);
        self.lost_a_sharer |= self.sharing.contains(who);
    }

    /// L1: of two who share an address, the one who is left when the other's record is deleted or
    /// kept apart is the only candidate, and is rightly taken for the other.
    pub fn may_be_another(&self, who: &str) -> bool {
        self.lost_a_sharer && self.sharing.contains(who)
    }

    /// Something to tell of a person.
    pub fn tell(&mut self, who: &str, what: String) {
        self.story.push((who.to_string(), what));
    }

    /// A rule was broken.
    pub fn broken(&mut self, checker: &'static str, who: &str, message: String) {
        self.tell(who, format!("BROKEN {checker}: {message}"));
        self.violations.push(Violation {
            checker,
            message,
            who: Some(who.to_string()).filter(|who| !who.is_empty()),
        });
    }

    /// Something went wrong on purpose.
    pub fn fault(&mut self, kind: &'static str) {
        self.disturbances += 1;
        self.count(kind);
    }

    /// Something was otherwise than one might think, and disturbs nothing.
    pub fn count(&mut self, kind: &'static str) {
        *self.faults.entry(kind).or_default() += 1;
    }

    /// R9: the id of a record that is gone is another's from now on; whatever happened to the old
    /// one is told of it under this name.
    pub fn give_id_on(&mut self, old: &At, name: &At) {
        let rename = |at: &mut At| {
            if at == old {
                *at = name.clone();
            }
        };
        self.edits.values_mut().for_each(|edit| rename(&mut edit.at));
        self.deeds.iter_mut().for_each(|deed| rename(&mut deed.at));
        self.groups.iter_mut().for_each(|put_in| rename(&mut put_in.at));
        self.tags.iter_mut().for_each(|edit| rename(&mut edit.at));
        self.lines.iter_mut().for_each(|edit| rename(&mut edit.at));
        let renamed = |mut at: At| {
            rename(&mut at);
            at
        };
        self.apart = std::mem::take(&mut self.apart)
            .into_iter()
            .map(|((a, b), n)| ((renamed(a), renamed(b)), n))
            .collect();
        self.lost = std::mem::take(&mut self.lost)
            .into_iter()
            .map(|(at, prop)| (renamed(at), prop))
            .collect();
        for writes in self.writes.values_mut() {
            *writes = std::mem::take(writes).into_iter().map(|(at, n)| (renamed(at), n)).collect();
        }
    }
}

/// A value of a system's, as it stands in this world's records: texts as they are, a number after
/// an `x`.
pub fn text_of(value: &Value) -> String {
    // A decimal may come as a text.
    match value.as_f64().or_else(|| value.as_str()?.parse().ok()) {
        Some(number) => format!("x{number}"),
        None => value.as_str().unwrap_or_default().to_string(),
    }
}

/// The number of the edit that a value came from.
pub fn number_of(value: &str) -> Option<u64> {
    let rest = value.trim_start().strip_prefix(['x', 'X'])?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

//! A list whose elements people put in and take out one by one (P11), in a simulated system.

use std::collections::BTreeSet;

use lockstep_connector::WriteValue;
use lockstep_model::Value;

use crate::draw::Kind;
use crate::forms::TAGS;
use crate::random::Random;
use crate::system::{Row, SimulatedSystem};
use crate::truth::{Deed, TagEdit, Truth, number_of};

/// The edits that the elements of a list came from.
pub fn number_set(tags: &[String]) -> BTreeSet<u64> {
    tags.iter().filter_map(|tag| number_of(tag)).collect()
}

impl SimulatedSystem {
    /// What a person has when they are typed in: elements of their own, and some that they have
    /// elsewhere, too. Not where a system spells them otherwise: what somebody types in there is
    /// another element for all that anybody can tell.
    pub(crate) fn first_tags(&self, truth: &mut Truth, row: &mut Row, random: &mut Random) {
        if !self.drawn.tags || row.kind == Kind::Company {
            return;
        }
        for _ in 0..random.below(3) {
            self.put_in(truth, row);
        }
        let who = row.who_is().to_string();
        let own = number_set(&row.tags);
        let is_elsewhere = |edit: &&TagEdit| edit.who == who && !own.contains(&edit.number);
        let elsewhere: Vec<u64> =
            truth.tags.iter().filter(is_elsewhere).map(|edit| edit.number).collect();
        if let Some(&number) =
            random.pick(&elsewhere).filter(|_| self.spelt_alike && random.per_mille(500))
        {
            self.put_in_again(truth, row, number);
        }
    }

    /// Somebody puts an element in, or takes one out; `unseen_too`: also where the hub has not been
    /// shown what it has written.
    pub fn person_tags(&self, random: &mut Random, unseen_too: bool) {
        let mut rows = self.rows_locked();
        let met = |row: &Row| {
            row.kind == Kind::Person
                && self.may_be_met(row)
                && (unseen_too || !row.unseen.contains(TAGS))
        };
        let live: Vec<u64> =
            rows.all.iter().filter(|(_, row)| met(row)).map(|(key, _)| *key).collect();
        let Some(&key) = random.pick(&live) else { return };
        let row = rows.all.get_mut(&key).expect("it is live");
        let mut truth = self.truth.look();
        let who = row.who_is().to_string();
        truth.lost.remove(&((self.number, row.id.clone()), TAGS));
        truth.reason_to_write(&who, Some(TAGS));
        let before = row.tags.clone();
        match random.per_mille(450) && !row.tags.is_empty() {
            true => {
                let out = row.tags.remove(random.below(row.tags.len()));
                self.note(&mut truth, row, number_of(&out).unwrap_or_default(), false);
            }
            false => self.put_in(&mut truth, row),
        }
        truth.people_edits += 1;
        truth.count("element put in or taken out");
        truth.tell(
            &who,
            format!(
                "somebody edits {}/{} {TAGS}: {before:?} to {:?}",
                self.drawn.name, row.id, row.tags
            ),
        );
        row.before = None;
        drop(truth);
        self.stamp(&mut rows, key);
    }

    fn put_in(&self, truth: &mut Truth, row: &mut Row) {
        let who = row.who_is().to_string();
        let value = truth.automation_value(&who, (self.number, row.id.clone()), TAGS);
        self.put_in_again(truth, row, number_of(&value).unwrap_or_default());
    }

    fn put_in_again(&self, truth: &mut Truth, row: &mut Row, number: u64) {
        row.tags.push(self.kept(TAGS, &format!("x{number} {TAGS} ")));
        self.note(truth, row, number, true);
    }

    fn note(&self, truth: &mut Truth, row: &Row, number: u64, puts_in: bool) {
        let (at, who, epoch) =
            ((self.number, row.id.clone()), row.who_is().to_string(), truth.epoch);
        truth.tags.push(TagEdit { at, who, number, puts_in, epoch });
    }

    /// A list as the system keeps it.
    pub(crate) fn kept_tags(&self, value: &Value) -> Vec<String> {
        let one = |value: &Value| value.as_str().map(|tag| self.kept(TAGS, tag));
        match value {
            Value::Array(all) => all.iter().filter_map(one).collect(),
            single => one(single).into_iter().collect(),
        }
    }

    /// P6: whether a list is another one than that which a write displaces, or makes.
    pub(crate) fn tags_differ(&self, row: &Row, value: &WriteValue) -> bool {
        let is: BTreeSet<&String> = row.tags.iter().collect();
        [&value.displaced, &value.value].into_iter().all(|other| {
            let list = match other {
                Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
                single => single.as_str().into_iter().collect::<Vec<_>>(),
            };
            let exact: Vec<String> = list.into_iter().map(str::to_string).collect();
            let kept = self.kept_tags(other);
            exact.iter().collect::<BTreeSet<_>>() != is
                && kept.iter().collect::<BTreeSet<_>>() != is
        })
    }

    /// Whether somebody has edited a list of which a write displaces this.
    pub(crate) fn was_edited(&self, row: &Row, displaced: &Value) -> bool {
        number_set(&row.tags) != number_set(&self.kept_tags(displaced))
    }

    /// P6, P11: nothing is taken out that was never looked at, and what somebody has taken out of
    /// this very list does not come back into it, unless they have put it in elsewhere since.
    pub(crate) fn check_tags(&self, truth: &mut Truth, before: &Row, row: &Row, deed: &Deed) {
        let (was, is) = (number_set(&before.tags), number_set(&row.tags));
        let who = row.who_is().to_string();
        let here = |edit: &&TagEdit| edit.at == deed.at;
        if let Some(number) = was.difference(&is).find(|number| {
            !before.has_seen(**number)
                && truth.tags.iter().filter(here).any(|edit| edit.number == **number)
        }) {
            let message = format!(
                "{}/{} {TAGS} {:?} loses {number} to {:?}, which was never looked at",
                self.drawn.name, row.id, before.tags, row.tags
            );
            truth.broken("lost edit", &who, message);
        }
        if is.len() < row.tags.len() {
            let message = format!(
                "{}/{} {TAGS} holds an element twice: {:?}",
                self.drawn.name, row.id, row.tags
            );
            truth.broken("an element twice", &who, message);
        }
    }
}

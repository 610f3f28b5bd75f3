//! Guards (G3): how much a run may write before a person has looked, and how much of a listing may
//! be missing before it is believed.
//!
//! A limit is the larger of a count and a share, so that one setting suits ten records and a
//! million: a count alone would stop large projects every day, a share alone would let the last
//! three of four records go. (The idea is the volume breaker that data hubs have; here it is
//! counted per system and kind of write, before the first of them is sent.) What does most harm has
//! limits of its own: a property that is emptied, and values by which records are recognised.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::change::IntentKind;

/// A limit: `20`, `5%`, `20 or 5%` (whichever is more), `none`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// No limit.
    None,
    /// As many as `count`, or as `per_cent` of what is known, whichever is more.
    At { count: u64, per_cent: f64 },
}

impl Limit {
    /// The larger of a count and a share.
    pub const fn or(count: u64, per_cent: f64) -> Self {
        Limit::At { count, per_cent }
    }

    /// Reads a limit as people write it.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text == "none" {
            return Some(Limit::None);
        }
        let (mut count, mut per_cent) = (None, None);
        for part in text.split(" or ").map(str::trim) {
            match part.strip_suffix('%') {
                Some(share) => {
                    let share = share
                        .trim()
                        .parse::<f64>()
                        .ok()
                        .filter(|share| (0.0..=100.0).contains(share))?;
                    per_cent.replace(share).is_none().then_some(())?;
                }
                None => count.replace(part.parse::<u64>().ok()?).is_none().then_some(())?,
            }
        }
        Some(Limit::At { count: count.unwrap_or(0), per_cent: per_cent.unwrap_or(0.0) })
    }

    /// How many may be, where so many are known; `None` where there is no limit.
    pub fn most(self, known: u64) -> Option<u64> {
        match self {
            Limit::None => None,
            Limit::At { count, per_cent } => {
                Some(count.max((known as f64 * per_cent / 100.0).floor() as u64))
            }
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::None => f.write_str("none"),
            Limit::At { count, per_cent } if *per_cent == 0.0 => write!(f, "{count}"),
            Limit::At { count: 0, per_cent } => write!(f, "{per_cent}%"),
            Limit::At { count, per_cent } => write!(f, "{count} or {per_cent}%"),
        }
    }
}

/// What a guard counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuardKind {
    Creates,
    Updates,
    Deletes,
    /// Records that a listing does not show any more.
    Vanished,
    /// Records that show a property without a value which held one before (R5).
    Lost,
    /// Values of one property that are emptied.
    Clears,
    /// Values of one property that records are recognised by, and that are overwritten by others.
    MatchValues,
}

impl GuardKind {
    /// All of them.
    pub const ALL: [GuardKind; 7] = [
        GuardKind::Creates,
        GuardKind::Updates,
        GuardKind::Deletes,
        GuardKind::Vanished,
        GuardKind::Lost,
        GuardKind::Clears,
        GuardKind::MatchValues,
    ];

    /// The guard that a kind of write is counted by.
    pub fn of(kind: IntentKind) -> Self {
        match kind {
            IntentKind::Create => GuardKind::Creates,
            IntentKind::Update => GuardKind::Updates,
            IntentKind::Delete => GuardKind::Deletes,
        }
    }

    /// The writes it counts; none for the guard of listings.
    pub fn writes(self) -> Option<IntentKind> {
        match self {
            GuardKind::Creates => Some(IntentKind::Create),
            GuardKind::Updates | GuardKind::Clears | GuardKind::MatchValues => {
                Some(IntentKind::Update)
            }
            GuardKind::Deletes => Some(IntentKind::Delete),
            GuardKind::Vanished | GuardKind::Lost => None,
        }
    }

    /// It counts the values of one property, and not records.
    pub fn is_of_a_property(self) -> bool {
        matches!(self, GuardKind::Clears | GuardKind::MatchValues)
    }

    /// The word for it, also in `lockstep.yaml`.
    pub fn name(self) -> &'static str {
        match self {
            GuardKind::Creates => "creates",
            GuardKind::Updates => "updates",
            GuardKind::Deletes => "deletes",
            GuardKind::Vanished => "vanished",
            GuardKind::Lost => "lost",
            GuardKind::Clears => "clears",
            GuardKind::MatchValues => "match_values",
        }
    }

    /// Reads the word.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// The limits of a system.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    pub creates: Limit,
    pub updates: Limit,
    pub deletes: Limit,
    pub vanished: Limit,
    pub lost: Limit,
    pub clears: Limit,
    pub match_values: Limit,
}

impl Default for Limits {
    /// The counts let through what a person does in an afternoon, in a company of forty customers
    /// as well; the shares are for those of forty thousand.
    fn default() -> Self {
        Limits {
            creates: Limit::or(50, 50.0),
            updates: Limit::or(25, 50.0),
            deletes: Limit::or(5, 5.0),
            vanished: Limit::or(5, 20.0),
            lost: Limit::or(2, 50.0),
            clears: Limit::or(5, 10.0),
            match_values: Limit::or(5, 10.0),
        }
    }
}

impl Limits {
    /// The limit of a guard.
    pub fn of(&self, kind: GuardKind) -> Limit {
        match kind {
            GuardKind::Creates => self.creates,
            GuardKind::Updates => self.updates,
            GuardKind::Deletes => self.deletes,
            GuardKind::Vanished => self.vanished,
            GuardKind::Lost => self.lost,
            GuardKind::Clears => self.clears,
            GuardKind::MatchValues => self.match_values,
        }
    }

    /// Sets the limit of a guard.
    pub fn set(&mut self, kind: GuardKind, limit: Limit) {
        match kind {
            GuardKind::Creates => self.creates = limit,
            GuardKind::Updates => self.updates = limit,
            GuardKind::Deletes => self.deletes = limit,
            GuardKind::Vanished => self.vanished = limit,
            GuardKind::Lost => self.lost = limit,
            GuardKind::Clears => self.clears = limit,
            GuardKind::MatchValues => self.match_values = limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g3_a_limit_is_the_larger_of_a_count_and_a_share() {
        let most = |text, known| Limit::parse(text).unwrap().most(known);
        assert_eq!(most("20 or 5%", 100), Some(20));
        assert_eq!(most("5% or 20", 1_001), Some(50));
        assert_eq!(most("7", 1_000_000), Some(7));
        assert_eq!(most("50%", 5), Some(2), "three of five are more than half");
        assert_eq!(most("5%", 10), Some(0), "one of ten is more than a twentieth");
        assert_eq!((most("0", 9), most("none", 9)), (Some(0), None));
        for wrong in ["", "many", "5 %%", "101%", "-1", "1 or 2", "5% or 6%", "1 or"] {
            assert_eq!(Limit::parse(wrong), None, "{wrong}");
        }
        for text in ["20 or 5%", "7", "0.5%", "none"] {
            assert_eq!(Limit::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn g3_the_defaults_guard_forty_records_as_well_as_forty_thousand() {
        for known in [40, 400, 40_000] {
            for kind in GuardKind::ALL.into_iter().filter(|kind| *kind != GuardKind::Creates) {
                assert!(
                    Limits::default().of(kind).most(known).unwrap() < known,
                    "{} of {known}",
                    kind.name()
                );
            }
        }
    }

    #[test]
    fn every_guard_is_read_by_its_name() {
        for kind in GuardKind::ALL {
            assert_eq!(GuardKind::parse(kind.name()), Some(kind));
        }
    }
}

//! What a write comes from, and what a review or an entry of the journal is about: on disk the
//! number of a record, where other numbers stand for what is none.

use lockstep_model::{About, GuardKind, RecordId, Source};

use super::fault::{Fallible, Fault};

/// No record has this number.
const LACK: i64 = 0;

/// The guards by their numbers, from -1 down.
const GUARDS: [GuardKind; 7] = [
    GuardKind::Creates,
    GuardKind::Updates,
    GuardKind::Deletes,
    GuardKind::Vanished,
    GuardKind::Lost,
    GuardKind::Clears,
    GuardKind::MatchValues,
];

/// The number of what a write comes from. One that is taken back has that of its own record, from
/// which the flows decide nothing.
pub(super) fn source_out(source: Source) -> i64 {
    source.record().map_or(LACK, |record| record.0)
}

/// What a write to `record` comes from.
pub(super) fn source_in(number: i64, record: Option<RecordId>) -> Source {
    match RecordId(number) {
        RecordId(LACK) => Source::Lack,
        source if record == Some(source) => Source::TakesBack(source),
        source => Source::Record(source),
    }
}

/// The number of what a review or an entry is about.
pub(super) fn about_out(about: About) -> i64 {
    match about {
        About::Record(record) => record.0,
        About::Guard(guard) => {
            let at = GUARDS.iter().position(|known| *known == guard);
            -1 - at.expect("every guard has a number") as i64
        }
    }
}

/// What a review or an entry is about.
pub(super) fn about_in(number: i64) -> Fallible<About> {
    if number >= 0 {
        return Ok(About::Record(RecordId(number)));
    }
    let at = usize::try_from(-1 - number).ok();
    let guard = at.and_then(|at| GUARDS.get(at)).copied();
    guard.map(About::Guard).ok_or_else(|| Fault::Damaged(format!("no guard has number {number}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guards_keep_the_numbers_that_stores_have_of_them() {
        let numbers: Vec<i64> = GuardKind::ALL.map(|guard| about_out(About::Guard(guard))).to_vec();
        assert_eq!(numbers, [-1, -2, -3, -4, -5, -6, -7]);
        for guard in GuardKind::ALL {
            let about = About::Guard(guard);
            assert_eq!(about_in(about_out(about)).unwrap(), about);
        }
        assert_eq!(about_in(5).unwrap(), About::Record(RecordId(5)));
        assert!(about_in(-8).is_err() && about_in(i64::MIN).is_err());
    }

    #[test]
    fn what_a_write_comes_from_is_told_by_a_number() {
        let record = RecordId(5);
        for (source, to) in [
            (Source::Lack, Some(record)),
            (Source::Record(RecordId(3)), Some(record)),
            (Source::Record(RecordId(3)), None),
            (Source::TakesBack(record), Some(record)),
        ] {
            assert_eq!(source_in(source_out(source), to), source);
        }
    }
}

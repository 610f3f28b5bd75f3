//! Times as texts of a stated form, the difference between two, and what a form can't hold.
//!
//! Forms are those of `strftime` and `strptime` as the library jiff has them
//! (<https://docs.rs/jiff/latest/jiff/fmt/strtime/>). A time is given and compared in UTC unless a
//! zone is told, whatever offset it was written with: the same instant must not become two
//! different days depending on who wrote it.
//!
//! What a form loses is found out by trying: two times that differ in the minute only and are
//! written alike show that the form has no minutes. That can't disagree with what the library does.

use jiff::civil::{DateTime, date};
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::Value;

use super::Node;

/// The longest form; no date is written in so many characters.
const MAX_FORMAT: usize = 100;

/// A unit in which the time between two points is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// By the calendar, in UTC.
    Calendar(jiff::Unit),
    /// Of so many milliseconds.
    Fixed(i64),
}

pub(super) const UNITS: [(&str, Unit); 8] = [
    ("year", Unit::Calendar(jiff::Unit::Year)),
    ("month", Unit::Calendar(jiff::Unit::Month)),
    ("week", Unit::Fixed(7 * 86_400_000)),
    ("day", Unit::Fixed(86_400_000)),
    ("hour", Unit::Fixed(3_600_000)),
    ("minute", Unit::Fixed(60_000)),
    ("second", Unit::Fixed(1000)),
    ("millisecond", Unit::Fixed(1)),
];

impl Unit {
    pub(super) fn named(name: &str) -> Option<Unit> {
        UNITS.iter().find(|(known, _)| *known == name).map(|(_, unit)| *unit)
    }
}

/// The zone of this name.
pub(super) fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| {
        format!("unknown time zone “{name}”; zones have names such as “Europe/Oslo”, and “UTC”")
    })
}

/// The constants of `datetime-format` and `datetime-parse`.
pub(super) fn zone_and_format(arguments: &[Node]) -> Result<(&str, TimeZone), String> {
    let mut constants = arguments.iter().filter_map(|argument| match argument {
        Node::Constant(Value::String(text)) => Some(text.as_str()),
        _ => None,
    });
    // The value can be a constant too; it is the last argument and is not looked at.
    let (first, second) = (constants.next().unwrap_or_default(), constants.next());
    match (arguments.len(), second) {
        (3, Some(format)) => Ok((format, zone(first)?)),
        _ => Ok((first, TimeZone::UTC)),
    }
}

/// A time in one of the forms that systems write; without an offset it is taken as UTC, a bare date
/// as its midnight.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let civil = text
        .parse::<DateTime>()
        .or_else(|_| text.parse::<jiff::civil::Date>().map(|date| date.at(0, 0, 0, 0)))
        .ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// The time in this form; `None` where the form can't hold it (`%y` has the years 1969 to 2068).
pub(super) fn format(format: &str, zone: &TimeZone, at: Timestamp) -> Option<String> {
    BrokenDownTime::from(&at.to_zoned(zone.clone())).to_string(format).ok()
}

/// The time that a text of this form says. A form without day or month means the first; one without
/// a time of day, midnight.
pub(super) fn parse(format: &str, zone: &TimeZone, text: &str) -> Option<Timestamp> {
    let mut said = BrokenDownTime::parse(format, text).ok()?;
    if let Some(at) = said.timestamp() {
        return Some(at);
    }
    let day_is_told = said.day().is_some()
        || said.day_of_year().is_some()
        || said.iso_week().is_some()
        || said.sunday_based_week().is_some()
        || said.monday_based_week().is_some();
    if said.year().is_some() && !day_is_told {
        if said.month().is_none() {
            said.set_month(Some(1)).ok()?;
        }
        said.set_day(Some(1)).ok()?;
    }
    if said.iana_time_zone().is_some() {
        return said.to_zoned().ok().map(|zoned| zoned.timestamp());
    }
    if said.offset().is_some() {
        return said.to_timestamp().ok();
    }
    said.to_datetime().ok()?.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
}

/// A time so many units later, written as it was: a bare day stays one where whole days are added.
/// `None` where the text is no time; `Some(None)` where the result can't be written.
pub(super) fn later(unit: Unit, many: i64, text: &str) -> Option<Option<String>> {
    let span =
        |per: i64| many.checked_mul(per).and_then(|ms| jiff::Span::new().try_milliseconds(ms).ok());
    let calendar = |unit: jiff::Unit| match unit {
        jiff::Unit::Year => jiff::Span::new().try_years(many).ok(),
        _ => jiff::Span::new().try_months(many).ok(),
    };
    if let Ok(day) = text.parse::<jiff::civil::Date>() {
        let moved = match unit {
            Unit::Calendar(unit) => calendar(unit).and_then(|span| day.checked_add(span).ok()),
            Unit::Fixed(ms) if ms % 86_400_000 == 0 => {
                let days = many
                    .checked_mul(ms / 86_400_000)
                    .and_then(|days| jiff::Span::new().try_days(days).ok());
                days.and_then(|days| day.checked_add(days).ok())
            }
            // Hours are added to its midnight, and what comes of that is no day.
            Unit::Fixed(ms) => {
                let at = read(text)?;
                return Some(
                    span(ms).and_then(|span| at.checked_add(span).ok()).map(|at| at.to_string()),
                );
            }
        };
        return Some(moved.map(|day| day.to_string()));
    }
    let at = read(text)?;
    let moved = match unit {
        Unit::Calendar(unit) => {
            let zoned = at.to_zoned(TimeZone::UTC);
            calendar(unit)
                .and_then(|span| zoned.checked_add(span).ok())
                .map(|zoned| zoned.timestamp())
        }
        Unit::Fixed(ms) => span(ms).and_then(|span| at.checked_add(span).ok()),
    };
    Some(moved.map(|at| at.to_string()))
}

/// How many whole units from `b` to `a`, negative where `a` is the earlier; what is less than a
/// whole unit does not count.
pub(super) fn between(unit: Unit, a: Timestamp, b: Timestamp) -> Option<i64> {
    match unit {
        Unit::Fixed(milliseconds) => Some((a.as_millisecond() - b.as_millisecond()) / milliseconds),
        Unit::Calendar(unit) => {
            let (a, b) = (a.to_zoned(TimeZone::UTC), b.to_zoned(TimeZone::UTC));
            let span = b.until((unit, &a)).ok()?;
            Some(if unit == jiff::Unit::Year {
                i64::from(span.get_years())
            } else {
                i64::from(span.get_months())
            })
        }
    }
}

/// Whether times can be written in this form at all.
pub(super) fn check_format(form: &str) -> Result<(), String> {
    if form.len() > MAX_FORMAT {
        return Err(format!("the form of a time has at most {MAX_FORMAT} bytes"));
    }
    let Some(at) = sample().to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp()) else {
        return Ok(());
    };
    match BrokenDownTime::from(&at.to_zoned(TimeZone::UTC)).to_string(form) {
        Err(error) => Err(format!("“{form}” is no form of a time: {error}")),
        Ok(_) if !form.contains('%') => {
            Err(format!("“{form}” shows nothing of a time; a form is written like “%Y-%m-%d”"))
        }
        Ok(_) => Ok(()),
    }
}

/// Whether times can be read in this form: what was written in it must at least name a day.
pub(super) fn check_reads(form: &str, zone: &TimeZone) -> Result<(), String> {
    let written = at(sample(), zone).and_then(|at| format(form, zone, at));
    match written.and_then(|text| parse(form, zone, &text)) {
        Some(_) => Ok(()),
        None => Err(format!(
            "times can't be read in the form “{form}”: a year and a day must follow from it, and names of zones can't be read"
        )),
    }
}

fn sample() -> DateTime {
    date(2024, 3, 17).at(16, 45, 38, 0)
}

fn at(civil: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    civil.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
}

/// What a time loses when it is written in this form and read again; `Ok(None)`: nothing down to
/// the second. `Err` says why it can't be read again.
pub(super) fn lost(form: &str, zone: &TimeZone) -> Result<Option<String>, String> {
    let base = sample();
    let write = |civil: DateTime| at(civil, zone).and_then(|at| format(form, zone, at));
    let shown = write(base);
    let same =
        |civil: Result<DateTime, jiff::Error>| civil.is_ok_and(|civil| write(civil) == shown);
    let [year, month, day] =
        [1.year(), 1.month(), 1.day()].map(|step| same(base.checked_add(step)));
    let [hour, minute, second] =
        [1.hour(), 1.minute(), 1.second()].map(|step| same(base.checked_add(step)));
    let half_of_the_day = !hour && same(base.checked_sub(12.hours()));
    let mut parts = Vec::new();
    let mut lose = |lost: bool, what: &'static str| {
        if lost {
            parts.push(what);
        }
    };
    lose(year, "the year");
    lose(month, "the month");
    lose(day, "the day of the month");
    match (hour, minute, second) {
        (true, true, true) => lose(true, "the time of day"),
        (hour, minute, second) => {
            lose(hour, "the hour");
            lose(minute, "the minutes");
            lose(second, "the seconds");
        }
    }
    lose(half_of_the_day, "whether it is morning or afternoon");
    let turns_back = zone.to_fixed_offset().is_err();
    lose(
        turns_back && !hour && !tells_the_offset(form),
        "which of the two hours it is when clocks are set back",
    );

    let unclear = || format!("a time written as “{form}” can't be read again for certain");
    for civil in trials() {
        let written = at(civil, zone).and_then(|at| format(form, zone, at)).ok_or_else(unclear)?;
        let read = parse(form, zone, &written).ok_or_else(unclear)?;
        if format(form, zone, read).as_ref() != Some(&written)
            || (parts.is_empty() && Some(read) != at(civil, zone))
        {
            return Err(unclear());
        }
    }
    Ok(match parts.split_last() {
        None => None,
        Some((last, [])) => Some((*last).to_string()),
        Some((last, before)) => Some(format!("{} and {last}", before.join(", "))),
    })
}

/// Whether it shows the offset, the zone's name or the seconds since 1970.
fn tells_the_offset(form: &str) -> bool {
    let mut characters = form.chars();
    while let Some(character) = characters.next() {
        if character == '%'
            && let Some('z' | 'Q' | 's') = characters
                .by_ref()
                .find(|c| !matches!(c, ':' | '_' | '-' | '0'..='9' | '^' | '#' | '.'))
        {
            return true;
        }
    }
    false
}

/// Days with one and two digits of every month, so that a form in which digits run together is
/// found out.
fn trials() -> impl Iterator<Item = DateTime> {
    const TIMES: [(i8, i8, i8); 6] =
        [(0, 0, 0), (1, 1, 1), (9, 5, 59), (12, 0, 0), (13, 30, 0), (23, 59, 59)];
    [1999, 2024, 2031].into_iter().flat_map(|year| {
        (1_i8..=12).flat_map(move |month| {
            [1, 11, 28].into_iter().enumerate().map(move |(i, day)| {
                let (hour, minute, second) =
                    TIMES[(i + usize::from(month.unsigned_abs())) % TIMES.len()];
                date(year, month, day).at(hour, minute, second, 0)
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_form_loses_is_said_in_words() {
        for (form, loses) in [
            ("%Y-%m-%dT%H:%M:%SZ", None),
            ("%d.%m.%Y %H.%M.%S", None),
            ("%s", None),
            ("%Y-%j %T", None),
            ("%Y-%m-%d", Some("the time of day")),
            ("%G-W%V-%u", Some("the time of day")),
            ("%d.%m.%y %H:%M", Some("the seconds")),
            ("%Y-%m", Some("the day of the month and the time of day")),
            ("%Y", Some("the month, the day of the month and the time of day")),
            ("%Y-%m-%d %I:%M:%S", Some("whether it is morning or afternoon")),
        ] {
            assert_eq!(lost(form, &TimeZone::UTC), Ok(loses.map(String::from)), "{form}");
        }
        for form in ["%H:%M", "%A", "%-d%-m%Y"] {
            assert!(lost(form, &TimeZone::UTC).is_err(), "{form}");
        }
    }

    #[test]
    fn a_zone_in_which_clocks_are_set_back_loses_an_hour_unless_the_offset_is_told() {
        let oslo = zone("Europe/Oslo").unwrap();
        let lost = |form| lost(form, &oslo).unwrap();
        assert_eq!(
            lost("%F %T").as_deref(),
            Some("which of the two hours it is when clocks are set back")
        );
        assert_eq!(lost("%F %T%z"), None);
        assert_eq!(lost("%F").as_deref(), Some("the time of day"));
        assert!(tells_the_offset("%:z") && !tells_the_offset("%H %%z"));
    }

    #[test]
    fn forms_that_cannot_be_read_are_found_out_before_they_are_used() {
        assert!(check_format("%Y-%k-%!").is_err());
        assert!(check_format("today").is_err());
        assert!(check_reads("%H:%M", &TimeZone::UTC).is_err());
        assert!(check_reads("%F %Z", &TimeZone::UTC).is_err());
        assert!(check_reads("%d.%m.%Y", &TimeZone::UTC).is_ok());
    }
}

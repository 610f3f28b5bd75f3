//! Times as people read and write them: in the zone of who looks. In JSON and CSV a time is RFC
//! 3339 in UTC.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use lockstep_model::Timestamp;

/// The shortest RFC 3339 time: `2026-01-31T08:00:00Z`.
const SHORTEST: usize = 20;

/// `2026-01-31 09:00:00 +01:00`
pub fn local(at: Timestamp) -> String {
    in_zone(at, TimeZone::system())
}

fn in_zone(at: Timestamp, zone: TimeZone) -> String {
    match jiff::Timestamp::from_millisecond(at.0) {
        Ok(known) => known.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S %:z").to_string(),
        Err(_) => at.to_string(),
    }
}

/// A sentence in which Lockstep tells times in UTC, with those in the zone of who reads it. Times
/// within quotation marks are values, and stay as they are.
pub fn localised(text: &str) -> String {
    in_words(text, &TimeZone::system())
}

fn in_words(text: &str, zone: &TimeZone) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut quotes, mut before, mut rest) = (0_u32, ' ', text);
    while let Some(c) = rest.chars().next() {
        let length =
            match rest.find(|c: char| !matches!(c, '0'..='9' | '-' | ':' | '.' | 'T' | 'Z')) {
                Some(end) => end,
                None => rest.len(),
            };
        let word = rest[..length].trim_end_matches(['.', ':']);
        let is_time = quotes == 0
            && matches!(before, ' ' | '(')
            && word.len() >= SHORTEST
            && word.ends_with('Z');
        if is_time && let Some(at) = Timestamp::parse(word) {
            out.push_str(&in_zone(at, zone.clone()));
            (before, rest) = ('Z', &rest[word.len()..]);
            continue;
        }
        match c {
            '“' => quotes += 1,
            '”' => quotes = quotes.saturating_sub(1),
            _ => {}
        }
        out.push(c);
        (before, rest) = (c, &rest[c.len_utf8()..]);
    }
    out
}

/// A time as a person writes it. One without a zone is in the person's own.
pub fn read(text: &str) -> Option<Timestamp> {
    in_zone_read(text, TimeZone::system())
}

fn in_zone_read(text: &str, zone: TimeZone) -> Option<Timestamp> {
    // As `local` writes it: the offset apart.
    let joined = match text.trim().rsplit_once(' ') {
        Some((time, offset)) if offset.starts_with(['+', '-']) => format!("{time}{offset}"),
        _ => text.trim().to_string(),
    };
    if let Ok(at) = joined.parse::<jiff::Timestamp>() {
        return Some(Timestamp(at.as_millisecond()));
    }
    let civil = joined
        .parse::<DateTime>()
        .or_else(|_| joined.parse::<Date>().map(|date| date.at(0, 0, 0, 0)))
        .ok()?;
    civil.to_zoned(zone).ok().map(|zoned| Timestamp(zoned.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> TimeZone {
        TimeZone::fixed(jiff::tz::offset(1))
    }

    #[test]
    fn a_time_is_told_in_the_zone_and_read_back_the_same() {
        let at = Timestamp::parse("2026-01-31T23:30:00Z").unwrap();
        assert_eq!(in_zone(at, zone()), "2026-02-01 00:30:00 +01:00");
        for written in [
            "2026-02-01 00:30:00 +01:00",
            "2026-02-01 00:30",
            "2026-02-01T00:30:00",
            "2026-01-31T23:30:00Z",
        ] {
            assert_eq!(in_zone_read(written, zone()), Some(at), "{written}");
        }
        assert_eq!(in_zone_read("2026-02-01", zone()), Timestamp::parse("2026-01-31T23:00:00Z"));
        assert_eq!(in_zone_read("yesterday", zone()), None);
    }

    #[test]
    fn times_in_sentences_are_told_in_the_zone_and_values_stay() {
        let told = in_words(
            "Somebody changed “2026-01-31T08:00:00Z” to “x” here at 2026-01-31T08:00:00.120Z (run 3).",
            &zone(),
        );
        assert_eq!(
            told,
            "Somebody changed “2026-01-31T08:00:00Z” to “x” here at 2026-01-31 09:00:00 +01:00 (run 3)."
        );
        for same in
            ["crm.People/2026-01-31T08:00:00Z is one", "nothing", "at 2026-01-31.", "Åse: 12"]
        {
            assert_eq!(in_words(same, &zone()), same);
        }
        assert_eq!(
            in_words("read at 2026-01-31T08:00:00Z.", &zone()),
            "read at 2026-01-31 09:00:00 +01:00."
        );
    }
}

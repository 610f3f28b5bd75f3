//! Times. The core is told what time it is; only the hub has a clock.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Reads an RFC 3339 time; one without an offset is taken as UTC, a bare date as its midnight.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(at) = text.parse::<jiff::Timestamp>() {
            return Some(Timestamp(at.as_millisecond()));
        }
        let civil = text
            .parse::<jiff::civil::DateTime>()
            .or_else(|_| text.parse::<jiff::civil::Date>().map(|date| date.at(0, 0, 0, 0)))
            .ok()?;
        civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| Timestamp(zoned.timestamp().as_millisecond()))
    }

    /// So many milliseconds later.
    pub fn plus_ms(self, ms: i64) -> Self {
        Timestamp(self.0.saturating_add(ms))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, with milliseconds only where there are any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => write!(f, "{at}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_forms_that_systems_write() {
        let at = Timestamp(1_705_312_800_000);
        for text in ["2024-01-15T10:00:00Z", "2024-01-15T11:00:00+01:00", "2024-01-15T10:00:00", "2024-01-15T10:00:00.000Z"] {
            assert_eq!(Timestamp::parse(text), Some(at), "{text}");
        }
        assert_eq!(at.to_string(), "2024-01-15T10:00:00Z");
        assert_eq!(Timestamp::parse("2024-01-15"), Some(Timestamp(1_705_276_800_000)));
        assert_eq!(Timestamp::parse("yesterday"), None);
    }
}

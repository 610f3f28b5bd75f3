//! The time formats of the six systems, and one tolerant reader for all of them.

use jiff::{Timestamp, civil, tz::TimeZone};

/// `2024-01-31T10:00:00Z` (Zendesk).
pub fn seconds_z(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2024-01-31T10:00:00`, UTC without saying so (SuperOffice).
pub fn seconds_bare(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// `2024-01-31T10:00:00.123Z` (Wix).
pub fn millis_z(at: Timestamp) -> String {
    format!("{}.{:03}Z", seconds_bare(at), at.as_millisecond().rem_euclid(1000))
}

/// `2024-01-31T10:00:00.123456+00:00` (PowerOffice).
pub fn micros_offset(at: Timestamp) -> String {
    format!("{}.{:06}+00:00", seconds_bare(at), at.as_microsecond().rem_euclid(1_000_000))
}

/// Reads an ISO 8601 time; one without a zone designator counts as UTC, one without a time of day
/// as midnight.
pub fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let bare = if let Ok(at) = text.parse::<civil::DateTime>() {
        at
    } else {
        text.parse::<civil::Date>().ok()?.to_datetime(civil::Time::midnight())
    };
    Some(bare.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Reads the date of an HTTP header such as `If-Unmodified-Since` (RFC 9110, section 5.6.7).
pub fn parse_http(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text.trim())
        .ok()
        .map(|zoned| zoned.timestamp())
        .or_else(|| parse(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_written_form_is_read_back() {
        let at: Timestamp = "2024-01-31T10:00:00.123456Z".parse().unwrap();
        assert_eq!(seconds_z(at), "2024-01-31T10:00:00Z");
        assert_eq!(millis_z(at), "2024-01-31T10:00:00.123Z");
        assert_eq!(micros_offset(at), "2024-01-31T10:00:00.123456+00:00");
        let second: Timestamp = "2024-01-31T10:00:00Z".parse().unwrap();
        assert_eq!(parse(&seconds_bare(at)), Some(second));
        assert_eq!(parse(&micros_offset(at)), Some(at));
        assert_eq!(parse_http("Wed, 31 Jan 2024 10:00:00 GMT"), Some(second));
        assert_eq!(parse("soon"), None);
    }
}

//! Times. The core is told what time it is; only the hub has a clock.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The time of a value that was there when its record was first read, and of which no system
    /// tells when it was put in. Any time that is told is later (P1). What it had displaced before
    /// its record was unlinked lies before it (L7).
    pub const UNTOLD: Timestamp = Timestamp(0);

    /// Whether anybody tells this time.
    pub fn is_told(self) -> bool {
        self > Timestamp::UNTOLD
    }

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
        civil
            .to_zoned(jiff::tz::TimeZone::UTC)
            .ok()
            .map(|zoned| Timestamp(zoned.timestamp().as_millisecond()))
    }

    /// Reads a time in any form that business systems write it in, whatever its JSON type: RFC
    /// 3339, with or without an offset, RFC 2822, `/Date(…)/`, digits alone (`20240501100000`), a
    /// number of seconds, milliseconds, microseconds or nanoseconds since 1970, .NET ticks. Without
    /// an offset it is UTC. `Ok(None)` where the value says that there is no time: null, empty,
    /// zero, the first year of a calendar, its last day.
    ///
    /// # Errors
    /// It is there and is no time in a form that can be told from others: `01.02.2024` is not.
    pub fn read(value: &Value) -> Result<Option<Reported>, UnknownTime> {
        let read = match value {
            Value::Null => return Ok(None),
            Value::Number(number) => of_digits(&number.to_string()),
            Value::String(text) => match text.trim() {
                "" => return Ok(None),
                text if text.starts_with("0000-00-00") => return Ok(None),
                // The last day of the calendar stands for "never", and is beyond what can be read.
                text if text.starts_with("9999-12-31") => return Ok(None),
                text => of_digits(text).or_else(|| of_text(text)),
            },
            _ => None,
        };
        match read {
            // Nothing was changed before there were systems: what lies there stands for "never".
            Some(reported) => Ok(Some(reported).filter(|reported| reported.at.0 > 0)),
            None => Err(UnknownTime),
        }
    }

    /// The time this many milliseconds later.
    pub fn plus_ms(self, ms: i64) -> Self {
        Timestamp(self.0.saturating_add(ms))
    }
}

/// A time as a system reported it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reported {
    pub at: Timestamp,
    /// The smallest difference that its form can express.
    pub resolution_ms: i64,
}

/// A value that should be a time and is in no known form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no known form of a time")]
pub struct UnknownTime;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;

/// A number, as such or as text. Its magnitude tells its unit: each unit has the times from 1973 on
/// for itself.
fn of_digits(text: &str) -> Option<Reported> {
    let (number, fraction) =
        text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    let digits = number.strip_prefix('-').unwrap_or(number);
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if digits.is_empty() || !all_digits(digits) || !fraction.is_none_or(all_digits) {
        // `1.7146e9`: a number in another notation, and no text of digits.
        let number: f64 =
            text.parse().ok().filter(|n: &f64| n.is_finite() && text.contains(['e', 'E']))?;
        return of_digits(&format!("{number:.3}"));
    }
    let reported = |ms: i64, resolution_ms| Some(Reported { at: Timestamp(ms), resolution_ms });
    if number.starts_with('-') || digits.bytes().all(|digit| digit == b'0') {
        return reported(0, SECOND);
    }
    if let Some(written) = fraction.is_none().then(|| of_compact(digits)).flatten() {
        return Some(written);
    }
    let number: i64 = digits.parse().ok()?;
    match digits.len() {
        // With a fraction: three digits of it are milliseconds.
        9..=11 => {
            let ms =
                format!("{:0<3}", fraction.unwrap_or_default()).get(..3)?.parse::<i64>().ok()?;
            reported(number.checked_mul(1000)? + ms, if fraction.is_some() { 1 } else { SECOND })
        }
        12 | 13 => reported(number, 1),
        15 | 16 => reported(number / 1_000, 1),
        // Since the year 1 (.NET), since 1601 (Windows): in steps of 100 ns.
        18 if digits.starts_with('6') => reported(number / 10_000 - 62_135_596_800_000, 1),
        18 if digits.starts_with("12") || digits.starts_with("13") => {
            reported(number / 10_000 - 11_644_473_600_000, 1)
        }
        18 | 19 => reported(number / 1_000_000, 1),
        _ => None,
    }
}

/// `20240501`, `202405011000`, `20240501100000`, `20240501100000123`: no such number is a likely
/// time in any unit.
fn of_compact(digits: &str) -> Option<Reported> {
    if !matches!(digits.len(), 8 | 12 | 14 | 17)
        || !(1990..2100).contains(&digits[..4].parse::<i16>().ok()?)
    {
        return None;
    }
    let part = |at: usize, long: usize| {
        digits.get(at..at + long).map_or(Some(0), |part| part.parse::<i16>().ok())
    };
    let small = |at| i8::try_from(part(at, 2)?).ok();
    let nanos = i32::from(part(14, 3)?) * 1_000_000;
    let date = jiff::civil::DateTime::new(
        part(0, 4)?,
        small(4)?,
        small(6)?,
        small(8)?,
        small(10)?,
        small(12)?,
        nanos,
    )
    .ok()?;
    let at = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    let resolution_ms = match digits.len() {
        8 => DAY,
        12 => MINUTE,
        14 => SECOND,
        _ => 1,
    };
    Some(Reported { at: Timestamp(at.as_millisecond()), resolution_ms })
}

fn of_text(text: &str) -> Option<Reported> {
    if let Some(inside) = text.strip_prefix("/Date(").and_then(|rest| rest.strip_suffix(")/")) {
        // The offset is for showing; the number is UTC.
        let end = inside
            .char_indices()
            .skip(1)
            .find(|(_, c)| matches!(c, '+' | '-'))
            .map_or(inside.len(), |(at, _)| at);
        let ms = inside[..end].parse().ok()?;
        return Some(Reported { at: Timestamp(ms), resolution_ms: 1 });
    }
    // `2024-05-01 10:00:00 UTC`, `… +0200`: the offset apart from the time.
    let joined = match text.rsplit_once(' ') {
        Some((time, "UTC" | "GMT" | "Z")) if time.contains(':') => format!("{time}Z"),
        Some((time, offset)) if time.contains(':') && offset.starts_with(['+', '-']) => {
            format!("{time}{offset}")
        }
        _ => text.to_string(),
    };
    if let Some(at) = Timestamp::parse(&joined) {
        let colon = |at: usize| joined.as_bytes().get(at) == Some(&b':');
        let resolution_ms = match joined.len() {
            ..=10 => DAY,
            _ if joined.contains(['.', ',']) => 1,
            _ if colon(13) && !colon(16) => MINUTE,
            _ => SECOND,
        };
        return Some(Reported { at, resolution_ms });
    }
    let rfc2822 = || jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok();
    // RFC 9110, section 5.6.7, has these two as well; the third is what JavaScript shows.
    let forms = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y", "%a %b %d %Y %H:%M:%S GMT%z"];
    let other = || {
        let text = text.split(" (").next().unwrap_or(text);
        let parsed = forms.iter().find_map(|form| jiff::fmt::strtime::parse(form, text).ok())?;
        let offset = parsed.offset().unwrap_or(jiff::tz::Offset::UTC);
        offset.to_timestamp(parsed.to_datetime().ok()?).ok()
    };
    let at = rfc2822().or_else(other)?;
    Some(Reported { at: Timestamp(at.as_millisecond()), resolution_ms: SECOND })
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
        for text in [
            "2024-01-15T10:00:00Z",
            "2024-01-15T11:00:00+01:00",
            "2024-01-15T10:00:00",
            "2024-01-15T10:00:00.000Z",
        ] {
            assert_eq!(Timestamp::parse(text), Some(at), "{text}");
        }
        assert_eq!(at.to_string(), "2024-01-15T10:00:00Z");
        assert_eq!(Timestamp::parse("2024-01-15"), Some(Timestamp(1_705_276_800_000)));
        assert_eq!(Timestamp::parse("yesterday"), None);
    }

    #[test]
    fn r8_a_time_is_understood_in_every_form_that_can_be_told_from_others() {
        use serde_json::json;
        let at = 1_714_557_600_000;
        for (form, resolution_ms) in [
            (json!("2024-05-01T10:00:00Z"), 1_000),
            (json!("2024-05-01T12:00:00+02:00"), 1_000),
            (json!("2024-05-01T12:00:00+0200"), 1_000),
            (json!("2024-05-01T10:00:00.000Z"), 1),
            (json!("2024-05-01 10:00:00"), 1_000),
            (json!("2024-05-01 10:00:00 UTC"), 1_000),
            (json!("2024-05-01 12:00:00 +0200"), 1_000),
            (json!("2024-05-01T10:00"), 60_000),
            (json!("2024-05-01T10:00Z"), 60_000),
            (json!("2024-05-01T12:00+02:00"), 60_000),
            (json!("Wed, 01 May 2024 10:00:00 GMT"), 1_000),
            (json!("Wed, 1 May 2024 12:00:00 +0200"), 1_000),
            (json!("Wednesday, 01-May-24 10:00:00 GMT"), 1_000),
            (json!("Wed May  1 10:00:00 2024"), 1_000),
            (json!("Wed May 01 2024 12:00:00 GMT+0200 (CEST)"), 1_000),
            (json!("/Date(1714557600000)/"), 1),
            (json!("/Date(1714557600000+0200)/"), 1),
            (json!("20240501100000"), 1_000),
            (json!("202405011000"), 60_000),
            (json!(20_240_501_100_000_i64), 1_000),
            (json!("20240501100000000"), 1),
            (json!("20240501T100000Z"), 1_000),
            (json!(1_714_557_600), 1_000),
            (json!("1714557600"), 1_000),
            (json!(1_714_557_600.0), 1),
            (json!("1714557600.000"), 1),
            (json!(1_714_557_600_000_i64), 1),
            (json!("1714557600000"), 1),
            (json!(1_714_557_600_000_000_i64), 1),
            (json!(1_714_557_600_000_000_000_i64), 1),
            (json!(638_501_544_000_000_000_i64), 1),
            (json!(133_590_312_000_000_000_i64), 1),
        ] {
            let read = Timestamp::read(&form)
                .unwrap_or_else(|_| panic!("{form}"))
                .unwrap_or_else(|| panic!("{form}"));
            assert_eq!(read.at, Timestamp(at), "{form}");
            assert_eq!(read.resolution_ms, resolution_ms, "{form}");
        }
        assert_eq!(
            Timestamp::read(&json!("2024-05-01")).unwrap().unwrap().resolution_ms,
            86_400_000
        );
        assert_eq!(
            Timestamp::read(&json!(1_714_557_600.25)).unwrap().unwrap().at,
            Timestamp(at + 250)
        );
        for none in [
            json!(null),
            json!(""),
            json!(0),
            json!("0"),
            json!("0000-00-00 00:00:00"),
            json!("0001-01-01T00:00:00"),
            json!("9999-12-31T00:00:00Z"),
            json!("/Date(-62135596800000)/"),
        ] {
            assert_eq!(Timestamp::read(&none), Ok(None), "{none}");
        }
        for unknown in [
            json!("01.02.2024"),
            json!("5/1/2024 10:00"),
            json!("yesterday"),
            json!(45_413),
            json!(true),
            json!({}),
            json!("v7"),
        ] {
            assert_eq!(Timestamp::read(&unknown), Err(UnknownTime), "{unknown}");
        }
    }
}

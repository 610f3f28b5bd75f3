//! The time of a record's last change, in whatever form a file has it: read, and set anew in that
//! same form.

use std::cell::RefCell;

use jiff::tz::TimeZone;
use lockstep_model::{Timestamp, Value};

/// How a file writes a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Since 1970, as a number or a text of digits.
    Epoch { millis: bool, text: bool },
    /// `2024-01-31`
    Day,
    /// `2024-01-31T10:00:00.000+01:00`: the character between day and time, the digits of the
    /// fraction, the zone as it is written.
    Text { between: char, fraction: usize, zone: String },
}

impl Form {
    /// What systems write most: `2024-01-31T10:00:00.000Z`.
    pub(super) fn usual() -> Form {
        Form::Text { between: 'T', fraction: 3, zone: "Z".into() }
    }

    /// The form of this value, if it is a time at all.
    pub(super) fn of(value: &Value) -> Option<Form> {
        if let Value::Number(number) = value {
            return number
                .as_i64()
                .map(|n| Form::Epoch { millis: n.abs() >= EPOCH_MILLIS_FROM, text: false });
        }
        let text = value.as_str()?.trim();
        if let Some(number) = digits(text) {
            return Some(Form::Epoch { millis: number.abs() >= EPOCH_MILLIS_FROM, text: true });
        }
        Timestamp::parse(text)?;
        let Some(between) = text.chars().nth(10) else {
            return Some(Form::Day);
        };
        let after_minutes = text.get(16..)?;
        let zone_at = after_minutes.find(['Z', 'z', '+', '-']).unwrap_or(after_minutes.len());
        let (seconds, zone) = after_minutes.split_at(zone_at);
        let fraction = seconds.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        // Zones named in brackets are left out: the offset says it all.
        let zone = zone.split('[').next().unwrap_or_default().to_string();
        Some(Form::Text { between, fraction, zone })
    }

    /// This moment in this form.
    fn write(&self, now: jiff::Timestamp) -> Value {
        match self {
            Form::Epoch { millis, text } => {
                let number = if *millis { now.as_millisecond() } else { now.as_second() };
                if *text { Value::String(number.to_string()) } else { Value::from(number) }
            }
            Form::Day => Value::String(now.strftime("%Y-%m-%d").to_string()),
            Form::Text { between, fraction, zone } => {
                let offset = jiff::fmt::strtime::parse("%z", zone.replace(':', ""))
                    .ok()
                    .and_then(|parsed| parsed.offset());
                let local = now.to_zoned(offset.map_or(TimeZone::UTC, TimeZone::fixed));
                let mut text = local.strftime(&format!("%Y-%m-%d{between}%H:%M:%S")).to_string();
                if *fraction > 0 {
                    let nanos = format!("{:09}", local.subsec_nanosecond());
                    text.push('.');
                    text.push_str(&nanos[..(*fraction).min(9)]);
                }
                text.push_str(zone);
                Value::String(text)
            }
        }
    }
}

/// The moment of a pass over a file. A file writes its times in one form, mostly: the text is made
/// once, not for each row.
pub(super) struct Now {
    at: jiff::Timestamp,
    last: RefCell<Option<(Form, Value)>>,
}

impl Now {
    pub(super) fn at(at: jiff::Timestamp) -> Now {
        Now { at, last: RefCell::new(None) }
    }

    /// It in this form.
    pub(super) fn written(&self, form: Form) -> Value {
        let mut last = self.last.borrow_mut();
        match &*last {
            Some((same, value)) if *same == form => value.clone(),
            _ => last.insert((form.clone(), form.write(self.at))).1.clone(),
        }
    }
}

/// From here on a number counts milliseconds: as seconds it would be after the year 5000.
const EPOCH_MILLIS_FROM: i64 = 100_000_000_000;

fn digits(text: &str) -> Option<i64> {
    (text.len() >= 9 && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())?
}

/// The moment that a value says.
pub(super) fn moment(value: &Value) -> Option<Timestamp> {
    let number = match value {
        Value::Number(number) => number.as_i64()?,
        Value::String(text) => match digits(text.trim()) {
            Some(number) => number,
            None => return Timestamp::parse(text),
        },
        _ => return None,
    };
    Some(Timestamp(if number.abs() >= EPOCH_MILLIS_FROM { number } else { number * 1000 }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_time_is_written_in_the_form_in_which_it_was_found() {
        let now: jiff::Timestamp = "2031-02-03T04:05:06.789Z".parse().unwrap();
        for (found, written) in [
            (json!("2024-01-31T10:00:00Z"), json!("2031-02-03T04:05:06Z")),
            (json!("2024-01-31T10:00:00.0000000Z"), json!("2031-02-03T04:05:06.7890000Z")),
            (json!("2024-01-31T10:00:00+01:00"), json!("2031-02-03T05:05:06+01:00")),
            (json!("2024-01-31 10:00:00"), json!("2031-02-03 04:05:06")),
            (json!("2024-01-31"), json!("2031-02-03")),
            (json!(1_706_695_200), json!(1_927_857_906)),
            (json!("1706695200000"), json!("1927857906789")),
        ] {
            let form = Form::of(&found).unwrap_or_else(|| panic!("{found}"));
            assert_eq!(form.write(now), written, "{found}");
        }
        assert_eq!(Form::of(&json!("yesterday")), None);
    }

    #[test]
    fn a_time_is_read_in_every_form() {
        let at = Some(Timestamp(1_706_695_200_000));
        for form in [
            json!("2024-01-31T10:00:00Z"),
            json!(1_706_695_200),
            json!(1_706_695_200_000i64),
            json!("1706695200"),
        ] {
            assert_eq!(moment(&form), at, "{form}");
        }
        assert_eq!(moment(&json!(true)), None);
    }
}

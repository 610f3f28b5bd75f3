//! How long a system asks to be left alone, in whatever form it says it.

use lockstep_model::Timestamp;
use serde_json::Value;

/// However long a system asks to be left alone: it is tried again after so long. No budget that is
/// known is counted over more than a day.
pub(crate) const LONGEST_WAIT_MS: u64 = 24 * 3_600_000;

/// How long to wait, in milliseconds, as `Retry-After` (RFC 9110, section 10.2.3) and vendors' own
/// headers say it: seconds from now, a Unix time in whatever unit, or a date; by the server's own
/// clock where it told. Never longer than a day.
pub(crate) fn wait_ms(value: &str, now: Option<Timestamp>) -> Option<u64> {
    if let Some(at) = moment(value) {
        let now = now.map_or_else(|| jiff::Timestamp::now().as_millisecond(), |now| now.0);
        return Some(u64::try_from(at.0.saturating_sub(now)).unwrap_or(0).min(LONGEST_WAIT_MS));
    }
    let seconds = leading_number(value)?;
    Some(((seconds.max(0.0) * 1000.0) as u64).min(LONGEST_WAIT_MS))
}

/// RFC 9110, section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`; or another form of a time.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    // A number of seconds from now is no time.
    let is_time = text.parse::<f64>().is_ok_and(|number| number >= A_UNIX_TIME)
        || text.contains([':', '-', 'T']);
    Timestamp::read(&Value::String(text.to_string()))
        .ok()
        .flatten()
        .filter(|_| is_time)
        .map(|read| read.at)
}

/// Smaller numbers are seconds from now: three years.
const A_UNIX_TIME: f64 = 1e8;

/// `120`, `120 s`, `120, 3600;w=60`: the number at the beginning.
pub(crate) fn leading_number(value: &str) -> Option<f64> {
    let value = value.trim();
    let end =
        value.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-')).unwrap_or(value.len());
    let unit = value[end..].trim_start();
    // Minutes would be another number.
    let known = unit.is_empty()
        || unit.starts_with([',', ';'])
        || matches!(unit, "s" | "sec" | "second" | "seconds");
    value[..end].parse().ok().filter(|number: &f64| known && number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g4_a_wait_is_read_in_every_form_and_never_longer_than_a_day() {
        let now = moment("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(now, Some(Timestamp(784_111_777_000)));
        for (value, ms) in [
            ("7", Some(7_000)),
            ("0", Some(0)),
            ("-5", Some(0)),
            ("1.5", Some(1_500)),
            ("7 s", Some(7_000)),
            ("7 seconds", Some(7_000)),
            ("7, 7", Some(7_000)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60_000)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60_000)),
            ("Sun Nov  6 08:50:37 1994", Some(60_000)),
            ("1994-11-06T08:50:37Z", Some(60_000)),
            ("Sun, 06 Nov 1994 08:48:37 GMT", Some(0)),
            ("784111837", Some(60_000)),
            ("784111837000", Some(60_000)),
            ("784111717", Some(0)),
            ("1796042977", Some(LONGEST_WAIT_MS)),
            ("86400", Some(LONGEST_WAIT_MS)),
            ("99999999", Some(LONGEST_WAIT_MS)),
            ("99999999999999999999999", Some(LONGEST_WAIT_MS)),
            ("1e400", None),
            ("NaN", None),
            ("inf", None),
            ("soon", None),
            ("2 minutes", None),
            ("", None),
        ] {
            assert_eq!(wait_ms(value, now), ms, "{value}");
        }
        // Without the server's clock it is this one.
        assert_eq!(wait_ms("784111837", None), Some(0));
    }
}

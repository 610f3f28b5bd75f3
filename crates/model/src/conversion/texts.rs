//! What the operations do with texts. A place in a text is counted in characters (Unicode scalar
//! values), never in bytes.

/// The text with every `old` replaced, unless it would become longer than `limit` bytes.
pub(super) fn replaced(text: &str, old: &str, new: &str, limit: usize) -> Option<String> {
    if new.is_empty() {
        return Some(without(text, old));
    }
    if new.len() > old.len() {
        let found = text.matches(old).count();
        if found.checked_mul(new.len() - old.len()).is_none_or(|more| text.len() + more > limit) {
            return None;
        }
    }
    Some(text.replace(old, new))
}

/// The text with `part` taken out until none is left: taking one out can bring together the halves
/// of another, and only a text that has none left stays as it is when it comes back.
fn without(text: &str, part: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for character in text.chars() {
        kept.push(character);
        if kept.ends_with(part) {
            kept.truncate(kept.len() - part.len());
        }
    }
    kept
}

/// The range of a list or text of this length; a negative end counts from the end, and what lies
/// outside is left out.
pub(super) fn range(start: i64, end: Option<i64>, length: usize) -> std::ops::Range<usize> {
    let settle = |at: i64| -> usize {
        let way = usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX);
        if at < 0 { length.saturating_sub(way) } else { way.min(length) }
    };
    let from = settle(start);
    from..end.map_or(length, settle).max(from)
}

/// The characters of the text in this range.
pub(super) fn substring(text: &str, start: i64, end: Option<i64>) -> String {
    let range = range(start, end, text.chars().count());
    text.chars().skip(range.start).take(range.len()).collect()
}

/// Whether the whole text fits the pattern, in which `*` stands for any characters and `?` for one.
///
/// Only the last `*` is ever gone back to, so that the time is at most the product of the lengths.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, t) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_whole_texts() {
        for (pattern, text, expect) in [
            ("+*", "+47 22 33 44 55", true),
            ("+*", "22 33", false),
            ("a*p?a", "alpaca", false),
            ("a*p*a", "alpaca", true),
            ("*_sport", "winter_sport", true),
            ("???", "øre", true),
            ("", "", true),
            ("*", "", true),
            ("?", "", false),
            ("*ab*ab", "abxabyab", true),
            ("a.c", "abc", false),
        ] {
            assert_eq!(fits(pattern, text), expect, "{pattern} on {text}");
        }
    }

    #[test]
    fn ranges_count_from_either_end_and_never_reach_outside() {
        assert_eq!(substring("Ålesund", 0, Some(2)), "Ål");
        assert_eq!(substring("Ålesund", -3, None), "und");
        assert_eq!(substring("Ålesund", 2, Some(-2)), "esu");
        assert_eq!(substring("Ålesund", 5, Some(2)), "");
        assert_eq!(substring("Ålesund", i64::MIN, Some(i64::MAX)), "Ålesund");
    }

    #[test]
    fn what_is_taken_out_is_not_left_anywhere() {
        assert_eq!(replaced("aabbc", "ab", "", 10), Some("c".into()));
        assert_eq!(replaced("1 000 000", " ", "", 10), Some("1000000".into()));
        assert_eq!(replaced("aaaa", "a", "bbb", 11), None);
    }
}

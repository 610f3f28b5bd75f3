//! Control characters made visible (G9): what a system says must not write on a person's terminal,
//! forge a line or turn text around.

use std::borrow::Cow;

/// Whether a character does something to a screen, or hides, instead of being shown.
///
/// Control characters (ASCII and Latin-1, delete), line and paragraph separators, marks and
/// overrides of writing direction, and characters without width. Zero-width joiner and non-joiner
/// are left: words of some languages and composed emoji need them.
pub fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text with every control character written as an escape: `\n`, `\t`, `\r`, `\u{1b}`.
///
/// The result has one line. A backslash that stands in the text is left as it is.
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, is_control)
}

/// The same for a text of several lines, whose line ends and tabs are the layout.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_control(c) && c != '\n' && c != '\t')
}

/// A JSON document whose control characters are all written as JSON escapes, so that it is safe on
/// a terminal and means the same.
pub fn visible_json(json: &str) -> Cow<'_, str> {
    if json.is_ascii() && !json.contains('\u{7f}') {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_control(c) && !c.is_ascii_whitespace() {
            let mut units = [0; 2];
            out.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            c if !is_escaped(c) => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g9_control_characters_are_visible_and_words_stay() {
        assert_eq!(
            visible("Åse\u{1b}[2J\nBerg\u{202e}\u{9b}\t"),
            "Åse\\u{1b}[2J\\nBerg\\u{202e}\\u{9b}\\t"
        );
        assert_eq!(
            visible("a\u{feff}b\u{200b}c\u{ad}d\u{e0041}"),
            "a\\u{feff}b\\u{200b}c\\u{ad}d\\u{e0041}"
        );
        assert_eq!(visible("می‌خواهم 👩‍🔧 \\n"), "می‌خواهم 👩‍🔧 \\n");
        assert_eq!(visible_lines("one\n\ttwo\r\u{7}"), "one\n\ttwo\\r\\u{7}");
    }

    #[test]
    fn g9_json_means_the_same() {
        let value = serde_json::json!({"name": "Per\u{202e}\u{7f}\u{9b}\u{e0041}\n", "ok": "Åse"});
        let text = value.to_string();
        let shown = visible_json(&text);
        assert!(!shown.chars().any(is_control), "{shown}");
        assert!(shown.contains("Åse"));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("JSON"), value);
    }
}

//! Keys of several columns or properties: shown as one text, `order_no` and `line_no` as `4711/2`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// What a record's id is made of, as the settings say it: `id: order_no`, or
/// `id: [order_no, line_no]`.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(untagged)]
pub(crate) enum Key {
    One(String),
    Several(Vec<String>),
}

impl Key {
    pub(crate) fn columns(&self) -> &[String] {
        match self {
            Key::One(column) => std::slice::from_ref(column),
            Key::Several(columns) => columns,
        }
    }

    /// What is wrong with it, whatever the records hold.
    pub(crate) fn fault(&self) -> Option<String> {
        let columns = self.columns();
        if columns.is_empty() || columns.iter().any(|column| column.trim().is_empty()) {
            return Some(
                "`id` names no column: write `id: order_no`, or `id: [order_no, line_no]`".into(),
            );
        }
        let repeated =
            columns.iter().enumerate().find(|(at, column)| columns[..*at].contains(column));
        repeated.map(|(_, column)| format!("`{column}` stands twice in `id`"))
    }
}

/// The parts of a key as one text. A slash within a part, and what stands for one, are written
/// otherwise.
pub(crate) fn join<S: AsRef<str>>(parts: impl IntoIterator<Item = S>) -> String {
    let mut text = String::new();
    for (at, part) in parts.into_iter().enumerate() {
        if at > 0 {
            text.push('/');
        }
        text.push_str(&escaped(part.as_ref()));
    }
    text
}

/// A part of an id in which no slash stands.
pub(crate) fn escaped(part: &str) -> Cow<'_, str> {
    match part.contains(['/', '%']) {
        true => Cow::Owned(part.replace('%', "%25").replace('/', "%2F")),
        false => Cow::Borrowed(part),
    }
}

/// What [`escaped`] was made of.
pub(crate) fn unescaped(part: &str) -> String {
    part.replace("%2F", "/").replace("%25", "%")
}

/// The parts of such a text; `None` where there are not so many.
pub(crate) fn split(text: &str, parts: usize) -> Option<Vec<String>> {
    let found: Vec<String> = text.split('/').map(unescaped).collect();
    (found.len() == parts).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_several_parts_is_one_text_and_comes_apart_again() {
        for parts in
            [vec!["4711", "2"], vec!["a/b", "c%2Fd"], vec!["", "%"], vec!["å", "25", "%252F/"]]
        {
            let text = join(&parts);
            assert_eq!(split(&text, parts.len()).unwrap(), parts, "{text}");
        }
        assert_eq!(join(["4711", "2"]), "4711/2");
        assert_eq!(split("4711", 2), None);
        assert_ne!(join(["a/b", "c"]), join(["a", "b/c"]));
    }

    #[test]
    fn g10_a_key_that_names_nothing_or_one_thing_twice_is_refused() {
        let fault = |columns: &[&str]| {
            Key::Several(columns.iter().map(ToString::to_string).collect()).fault()
        };
        assert_eq!(fault(&["a", "b"]), None);
        assert!(fault(&[]).is_some() && fault(&["a", " "]).is_some());
        assert!(fault(&["a", "b", "a"]).is_some_and(|fault| fault.starts_with("`a` stands twice")));
    }
}

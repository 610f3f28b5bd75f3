//! What a cell of a table says: a property path, or the type of a property.
//!
//! Cells come from machines of varying health (`docs/documents.md`). In the field, conversions are
//! met with their first bracket missing, and also with *every* opening bracket missing; both are
//! put right here when there is exactly one way to do so.

use std::fmt;

use serde_json::Value;

use crate::words::tidy;

/// A property's path, with the conditions under which it is meant.
///
/// `phone_numbers.number (Dependant on having mobile in phone_numbers.name)` is the element, or
/// record, for which that other path holds the value. Several conditions are alternatives.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub struct PathCell {
    /// The dotted path; may be empty, and then never matches anything (L2).
    pub path: String,
    /// The conditions; mostly none, seldom more than one.
    pub conditions: Vec<PathCondition>,
}

/// `Dependant on having VALUE in PATH`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub struct PathCondition {
    /// The value to be found; may be empty.
    pub value: String,
    /// Where to look for it; may be empty.
    pub path: String,
}

const CONDITION_WORDS: [&str; 2] = ["Dependant on having", "Dependent on having"];

impl PathCell {
    /// A path without conditions.
    #[must_use]
    pub fn new(path: &str) -> PathCell {
        PathCell { path: path.trim().to_string(), conditions: Vec::new() }
    }

    /// The first condition.
    #[must_use]
    pub fn condition(&self) -> Option<&PathCondition> {
        self.conditions.first()
    }

    /// Reads a cell's text. A bracket that is no condition belongs to the path.
    #[must_use]
    pub fn parse(text: &str) -> PathCell {
        let text = text.trim();
        conditions_of(text).unwrap_or_else(|| PathCell::new(text))
    }
}

/// The cell's text as documents write it.
impl fmt::Display for PathCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if self.conditions.is_empty() {
            return Ok(());
        }
        f.write_str(" (")?;
        for PathCondition { value, path } in &self.conditions {
            // Documents write an empty path as a space.
            let path = if path.is_empty() { " " } else { path };
            write!(f, "{} {value} in {path}", CONDITION_WORDS[0])?;
        }
        f.write_str(")")
    }
}

fn conditions_of(text: &str) -> Option<PathCell> {
    let inner = text.strip_suffix(')')?;
    let open = CONDITION_WORDS.iter().filter_map(|words| inner.find(&format!("({words}"))).min()?;
    let list = inner[open + 1..].replace(CONDITION_WORDS[1], CONDITION_WORDS[0]);
    let conditions: Option<Vec<_>> = list
        .split(CONDITION_WORDS[0])
        .skip(1)
        .map(|condition| {
            // The value is whatever stands before the last ` in `; a path has no spaces. An editor
            // may have taken away the space that stands for an empty path.
            let padded = format!("{condition} ");
            let at = condition.rfind(" in ").or_else(|| padded.rfind(" in "))?;
            Some(PathCondition {
                value: padded[..at].trim().to_string(),
                path: padded[at + 4..].trim().to_string(),
            })
        })
        .collect();
    Some(PathCell { path: text[..open].trim_end().to_string(), conditions: conditions? })
}

/// The type column: what type the second system's property has, or how a value becomes that type.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum TypeCell {
    /// Nothing.
    #[default]
    Empty,
    /// `N/A`.
    NotApplicable,
    /// A name in quotation marks, such as `"string"`.
    Plain(String),
    /// A conversion written as a nested list.
    Conversion {
        /// The list.
        list: Vec<Value>,
        /// Whether brackets were missing in the document and have been put back.
        repaired: bool,
    },
    /// Anything else, as it stands.
    Unreadable(String),
}

/// Type names that need no quotation marks to be recognised.
const TYPE_NAMES: [&str; 6] = ["string", "integer", "float", "decimal", "boolean", "list"];

impl TypeCell {
    /// Reads a cell's text.
    ///
    /// ```
    /// use lockstep_document::TypeCell;
    /// assert_eq!(TypeCell::parse("\"string\""), TypeCell::Plain("string".into()));
    /// let sick = TypeCell::parse("\"datetime-format\",\"%Y-%m-%d\",\"_.\"]");
    /// assert!(matches!(sick, TypeCell::Conversion { repaired: true, .. }));
    /// assert_eq!(sick.to_string(), r#"["datetime-format","%Y-%m-%d","_."]"#);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> TypeCell {
        let text = text.trim();
        if text.is_empty() {
            return TypeCell::Empty;
        }
        if text.eq_ignore_ascii_case("n/a") {
            return TypeCell::NotApplicable;
        }
        if let Some(name) = type_name(text) {
            return TypeCell::Plain(name);
        }
        let list = |text: &str| match serde_json::from_str(text) {
            Ok(Value::Array(list)) => Some(list),
            _ => None,
        };
        if let Some(list) = list(text) {
            return TypeCell::Conversion { list, repaired: false };
        }
        if let Some(list) = with_brackets(text).as_deref().and_then(list) {
            return TypeCell::Conversion { list, repaired: true };
        }
        TypeCell::Unreadable(tidy(text))
    }
}

/// The cell's text as documents write it; conversions as compact JSON.
impl fmt::Display for TypeCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TypeCell::Empty => Ok(()),
            TypeCell::NotApplicable => f.write_str("N/A"),
            TypeCell::Plain(name) => f.write_str(&in_one_line(&Value::String(name.clone()))),
            TypeCell::Conversion { list, .. } => {
                f.write_str(&in_one_line(&Value::Array(list.clone())))
            }
            TypeCell::Unreadable(text) => f.write_str(text),
        }
    }
}

/// Compact JSON, with what some readers of text take for a line end written as an escape.
pub(crate) fn in_one_line(value: &Value) -> String {
    let mut json = value.to_string();
    for (c, escape) in [('\u{85}', "\\u0085"), ('\u{2028}', "\\u2028"), ('\u{2029}', "\\u2029")] {
        if json.contains(c) {
            json = json.replace(c, escape);
        }
    }
    json
}

/// A lone name: in double quotation marks, in others that editors make of them, or bare when it is
/// one of the known types.
fn type_name(text: &str) -> Option<String> {
    if let Ok(Value::String(name)) = serde_json::from_str(text) {
        return Some(name);
    }
    for (open, close) in [('“', '”'), ('”', '”'), ('\'', '\''), ('‘', '’')] {
        let inner = text
            .strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close))
            .filter(|inner| !inner.contains([open, close, ',']));
        if let Some(inner) = inner {
            return Some(inner.to_string());
        }
    }
    let lower = text.to_lowercase();
    TYPE_NAMES.contains(&lower.as_str()).then_some(lower)
}

/// Functions that open a list where a document lost its opening brackets.
const FUNCTIONS: [&str; 36] = [
    "add",
    "all",
    "and",
    "any",
    "case",
    "case-eq",
    "coalesce",
    "concat",
    "count",
    "datetime-format",
    "datetime-parse",
    "div",
    "divide",
    "eq",
    "first",
    "gt",
    "gte",
    "if",
    "if-null",
    "is-empty",
    "is-not-empty",
    "is-null",
    "join",
    "last",
    "length",
    "lower",
    "lt",
    "lte",
    "matches",
    "neq",
    "not",
    "or",
    "replace",
    "slice",
    "split",
    "upper",
];

/// Functions whose names are also those of types, and so more often a value than a function.
const CASTS: [&str; 6] = ["string", "integer", "float", "decimal", "boolean", "datetime"];

/// Puts missing opening brackets back, if it is clear where they belong.
fn with_brackets(text: &str) -> Option<String> {
    let tokens = tokens(text)?;
    let count = |bracket: char| tokens.iter().filter(|t| t.is(bracket)).count();
    let missing = count(']').checked_sub(count('['))?;
    if missing == 0 {
        return None;
    }
    // One is missing: it is the first.
    if missing == 1 {
        return Some(format!("[{text}"));
    }
    // Several are missing: each function opens a list, provided that this gives just enough.
    let plain = |name: &str| FUNCTIONS.contains(&name);
    let cast = |name: &str| FUNCTIONS.contains(&name) || CASTS.contains(&name);
    bracketed(&tokens, missing, plain).or_else(|| bracketed(&tokens, missing, cast))
}

/// The text with a bracket before each function that has none, if those are `missing` brackets.
fn bracketed(
    tokens: &[Token<'_>],
    missing: usize,
    is_function: impl Fn(&str) -> bool,
) -> Option<String> {
    let mut repaired = String::new();
    let mut added = 0;
    let mut opened = false;
    for token in tokens {
        let first = repaired.is_empty();
        let function = serde_json::from_str::<String>(token.text)
            .is_ok_and(|name| first || is_function(&name));
        if function && !opened {
            repaired.push('[');
            added += 1;
        }
        opened = token.is('[') || (opened && token.text.trim().is_empty());
        repaired.push_str(token.text);
    }
    (added == missing).then_some(repaired)
}

struct Token<'a> {
    text: &'a str,
}

impl Token<'_> {
    fn is(&self, bracket: char) -> bool {
        self.text.len() == 1 && self.text.starts_with(bracket)
    }
}

/// Strings whole, everything else character by character. `None` when a string has no end.
fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = if c == '"' { string_length(rest)? } else { c.len_utf8() };
        let (token, after) = rest.split_at(length);
        tokens.push(Token { text: token });
        rest = after;
    }
    Some(tokens)
}

/// Length in bytes of the JSON string that `text` begins with.
fn string_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str, path: &str, conditions: &[(&str, &str)]) {
        let cell = PathCell::parse(text);
        let got: Vec<_> =
            cell.conditions.iter().map(|c| (c.value.as_str(), c.path.as_str())).collect();
        assert_eq!((cell.path.as_str(), got.as_slice()), (path, conditions));
        assert_eq!(PathCell::parse(&cell.to_string()), cell, "written and read");
    }

    #[test]
    fn a_path_may_carry_conditions() {
        path("info.emails", "info.emails", &[]);
        path(
            "phone_numbers.number (Dependant on having mobile in phone_numbers.name)",
            "phone_numbers.number",
            &[("mobile", "phone_numbers.name")],
        );
        path("id (Dependant on having x in  )", "id", &[("x", "")]);
        path("id (Dependant on having x in)", "id", &[("x", "")]);
        path(
            "id (Dependant on having  in typeDependant on having NO in type)",
            "id",
            &[("", "type"), ("NO", "type")],
        );
        path(
            "a (Dependent on having made in Norway in origin)",
            "a",
            &[("made in Norway", "origin")],
        );
        path("total (net)", "total (net)", &[]);
        path("a (Dependant on having x)", "a (Dependant on having x)", &[]);
        path("", "", &[]);
    }

    #[test]
    fn conditions_are_written_as_they_were() {
        for text in [
            "id (Dependant on having  in typeDependant on having NO in type)",
            "department.id (Dependant on having wd:Q43229 in  )",
        ] {
            assert_eq!(PathCell::parse(text).to_string(), text);
        }
    }

    fn conversion(text: &str, compact: &str, repaired_expected: bool) {
        match TypeCell::parse(text) {
            TypeCell::Conversion { list, repaired } => {
                assert_eq!(Value::Array(list).to_string(), compact);
                assert_eq!(repaired, repaired_expected);
            }
            other => panic!("{text} was read as {other:?}"),
        }
    }

    #[test]
    fn lone_types() {
        use TypeCell::{Empty, NotApplicable, Plain, Unreadable};
        for (text, expect) in [
            ("", Empty),
            ("N/A", NotApplicable),
            ("n/a", NotApplicable),
            ("\"string\"", Plain("string".into())),
            ("\"wei\\\"rd\"", Plain("wei\"rd".into())),
            ("“string”", Plain("string".into())),
            ("Integer", Plain("integer".into())),
            ("varchar", Unreadable("varchar".into())),
            ("{\"a\":1}", Unreadable("{\"a\":1}".into())),
            ("\"a\",\"b\"", Unreadable("\"a\",\"b\"".into())),
        ] {
            assert_eq!(TypeCell::parse(text), expect, "{text}");
        }
    }

    #[test]
    fn a_type_never_breaks_its_line() {
        let cell = TypeCell::Plain("a\u{2028}b\nc".into());
        assert_eq!(cell.to_string(), r#""a\u2028b\nc""#);
        assert_eq!(TypeCell::parse(&cell.to_string()), cell);
    }

    #[test]
    fn conversions_with_all_their_brackets() {
        let phone =
            r#"["if",["matches","+*","_."],["join"," ",["slice",1,["split"," ","_."]]],"_."]"#;
        conversion(phone, phone, false);
        conversion(r#"[ "a", 1 ]"#, r#"["a",1]"#, false);
    }

    #[test]
    fn a_lost_first_bracket_is_put_back() {
        conversion(
            r#""datetime-format","%Y-%m-%d","_."]"#,
            r#"["datetime-format","%Y-%m-%d","_."]"#,
            true,
        );
        conversion(
            r#""if",["matches","+*","_."],["join"," ",["slice",1,["split"," ","_."]]],"_."]"#,
            r#"["if",["matches","+*","_."],["join"," ",["slice",1,["split"," ","_."]]],"_."]"#,
            true,
        );
    }

    #[test]
    fn opening_brackets_that_are_all_lost_are_put_back() {
        conversion(
            r#""if","matches","+* *","_."],"join"," ","slice", 1,"split", " ","_."]]],"_."]"#,
            r#"["if",["matches","+* *","_."],["join"," ",["slice",1,["split"," ","_."]]],"_."]"#,
            true,
        );
        conversion(
            r#""if","or","is-empty","_."],"eq","","_."]],"-","_."]"#,
            r#"["if",["or",["is-empty","_."],["eq","","_."]],"-","_."]"#,
            true,
        );
        conversion(
            r#""if", "neq", "_.", "X"], "integer", "string"]"#,
            r#"["if",["neq","_.","X"],"integer","string"]"#,
            true,
        );
    }

    #[test]
    fn brackets_that_cannot_be_placed_leave_the_cell_unreadable() {
        for text in
            [r#""frob","nicate"],"x"]]"#, r#"["a","b""#, r#""unfinished,"_."]"#, r#"[["a"]"#]
        {
            assert_eq!(TypeCell::parse(text), TypeCell::Unreadable(text.into()));
        }
    }
}

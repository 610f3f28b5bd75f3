//! What a flow file says and a document's other statements cannot: one sentence each, below the
//! tables.
//!
//! ```text
//! Also: when one of the two is deleted, the other is deleted as well.
//! Row 2 ("name" and "full_name"): values go from the first to the second only.
//! Match row 1 ("phone" and "mobile"): values are compared as telephone numbers.
//! ```
//!
//! The settings that are met most have a sentence of their own; every other is named with its
//! value, so that none is ever lost. What a setting means is not known here: it is read by whoever
//! reads flow files.

use std::fmt;

use serde_json::Value;

use crate::cells::in_one_line;
use crate::draft::DraftSection;
use crate::names::TypeName;
use crate::statement::StatementKind;

/// One setting of a flow, or of one of its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// The row that it is about; none where it is about the whole flow.
    pub row: Option<SettingRow>,
    /// As flow files call it: `deletes`, `prefer`.
    pub key: String,
    /// As flow files have it.
    pub value: Value,
}

/// Which row a setting is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SettingRow {
    /// A row of a match table; else of a property table.
    pub is_match: bool,
    /// Its number among all rows of such tables of the section, from 1.
    pub number: usize,
    /// What stands in its first two cells, several paths with ` and ` between them.
    pub from: String,
    pub to: String,
}

/// Sentences for settings of one value.
const FIXED: [(&str, &str, &str); 40] = [
    ("deletes", "\"propagate\"", "when one of the two is deleted, the other is deleted as well"),
    ("deletes", "\"ignore\"", "when one of the two is deleted, the other stays"),
    ("deletes", "\"review\"", "when one of the two is deleted, a person decides about the other"),
    ("extra", "\"delete\"", "what the second has and the first does not is deleted"),
    ("extra", "\"review\"", "what the second has and the first does not is for a person to decide"),
    ("extra", "\"ignore\"", "what the second has and the first does not stays"),
    (
        "ceases",
        "\"keep\"",
        "when the section is no longer about a linked record, the counterpart stays and is not kept equal",
    ),
    (
        "ceases",
        "\"review\"",
        "when the section is no longer about a linked record, a person decides about the counterpart",
    ),
    (
        "ceases",
        "\"delete\"",
        "when the section is no longer about a linked record, the counterpart is deleted",
    ),
    ("duplicates", "\"merge\"", "several records of one type that match are linked and kept equal"),
    ("duplicates", "\"review\"", "several records of one type that match wait for a person"),
    ("duplicates", "\"separate\"", "several records of one type that match get a counterpart each"),
    ("create_empty", "true", "records are created although no property is synchronized"),
    ("create_empty", "false", "no record is created where no property is synchronized"),
    ("clears", "\"ignore\"", "a property that is emptied does not empty the other"),
    ("clears", "\"edit\"", "a property that is emptied empties the other"),
    ("direction", "\"both\"", "values go both ways"),
    ("direction", "\"forward\"", "values go from the first to the second only"),
    ("direction", "\"backward\"", "values go from the second to the first only"),
    ("on", "\"create\"", "the value is given when a record is created, and never after"),
    ("on", "\"always\"", "the value is given when a record is created, and kept after"),
    ("wins", "true", "yes wins over no, whoever said it and when"),
    ("wins", "false", "no wins over yes, whoever said it and when"),
    ("wins", "\"min\"", "the smallest or earliest value wins, whoever put it there and when"),
    ("wins", "\"max\"", "the largest or latest value wins, whoever put it there and when"),
    ("wins", "\"longest\"", "the longest text wins, whoever put it there and when"),
    ("list", "\"each\"", "elements of the two lists come and go one by one"),
    ("create", "\"both\"", "records are created on both sides"),
    ("as", "\"text\"", "values are compared as texts"),
    ("as", "\"exact\"", "values are compared letter by letter"),
    ("as", "\"email\"", "values are compared as e-mail addresses"),
    ("as", "\"phone\"", "values are compared as telephone numbers"),
    ("as", "\"url\"", "values are compared as web addresses"),
    ("as", "\"number\"", "values are compared as numbers"),
    ("as", "\"boolean\"", "values are compared as yes or no"),
    ("as", "\"date\"", "values are compared as dates"),
    ("as", "\"instant\"", "values are compared as points in time"),
    ("else", "\"review\"", "a value without a pair waits for a person"),
    ("else", "\"pass\"", "a value without a pair stays as it is"),
    ("else", "\"empty\"", "nothing comes of a value without a pair"),
];

/// A sentence for settings of any value, which stands at its end.
struct Open {
    key: &'static str,
    /// The only key of the setting's value, where what stands at the end is below it.
    within: Option<&'static str>,
    words: &'static str,
}

const fn open(key: &'static str, words: &'static str) -> Open {
    Open { key, within: None, words }
}

/// None begins with the words of another.
const OPEN: [Open; 20] = [
    open("filter", "the condition, as an expression, is "),
    open(
        "only",
        "the section is about those of the first record type for which this expression holds: ",
    ),
    open(
        "only_to",
        "the section is about those of the second record type for which this expression holds: ",
    ),
    open("region", "telephone numbers that name no country are of "),
    open("only_from", "only what is edited in one system counts: "),
    open("prefer", "where values differ, that of the first of these systems counts that has one: "),
    Open {
        key: "wins",
        within: Some("any-of"),
        words: "the first of these values that any has wins, whoever put it there and when: ",
    },
    open("group", "it moves together with the other rows of the group "),
    open("type", "the first value is converted before it is compared: "),
    open("map", "each value becomes the one that it is paired with: "),
    open("default", "where there is no value, the second is given "),
    open("set", "the second is given the constant "),
    open("order", "the list is put in order: "),
    open("key", "an element is told from the others of its list by "),
    open("follows", "the first belongs to the record to which these references lead: "),
    open("follows_to", "the second belongs to the record to which these references lead: "),
    open("combines", "the first stands for these properties together: "),
    open("combines_to", "the second stands for these properties together: "),
    open("back", "the way back is "),
    open("names", "the record types of the heading are "),
];

impl Open {
    /// What the sentence has at its end, where it is about this setting.
    fn end<'a>(&self, key: &str, value: &'a Value) -> Option<&'a Value> {
        match self.within {
            _ if self.key != key => None,
            None => Some(value),
            Some(within) => value.as_object().filter(|value| value.len() == 1)?.get(within),
        }
    }

    /// The setting whose sentence has this at its end.
    fn setting(&self, end: Value) -> (String, Value) {
        let value = match self.within {
            Some(within) => serde_json::json!({ within: end }),
            None => end,
        };
        (self.key.to_string(), value)
    }
}

impl Setting {
    /// A setting of a whole flow.
    #[must_use]
    pub fn of_flow(key: &str, value: Value) -> Setting {
        Setting { row: None, key: key.to_string(), value }
    }

    /// The setting that a sentence states, if it is one of these.
    #[must_use]
    pub fn parse(sentence: &str) -> Option<Setting> {
        let sentence = sentence.trim();
        let (row, rest) = match sentence.strip_prefix("Also: ") {
            Some(rest) => (None, rest),
            None => {
                let (row, rest) = SettingRow::parse(sentence)?;
                (Some(row), rest)
            }
        };
        let said = rest.trim().strip_suffix('.')?;
        let value = |text: &str| serde_json::from_str(text).ok();
        let fixed = FIXED.iter().find(|(_, _, words)| same_words(said, words));
        let open = || {
            let open = OPEN.iter().find(|open| said.starts_with(open.words))?;
            Some(open.setting(value(&said[open.words.len()..])?))
        };
        let any = || {
            let (key, rest) = json_string(said.strip_prefix("the setting ")?)?;
            Some((key, value(rest.strip_prefix(" is ")?)?))
        };
        let (key, value) = match fixed {
            Some((key, text, _)) => (key.to_string(), value(text)?),
            None => open().or_else(any)?,
        };
        Some(Setting { row, key, value })
    }

    /// Whether a line begins a sentence that states a setting, as far as that can be told by its
    /// first words.
    pub(crate) fn begins(line: &str) -> bool {
        let line = line.trim_start();
        line.starts_with("Also: ") || SettingRow::parse(line).is_some()
    }
}

/// The sentence.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.row {
            None => f.write_str("Also: ")?,
            Some(row) => write!(f, "{row}: ")?,
        }
        let value = in_one_line(&self.value);
        if let Some((_, _, words)) =
            FIXED.iter().find(|(key, text, _)| *key == self.key && *text == value)
        {
            return write!(f, "{words}.");
        }
        let mut open = OPEN.iter();
        match open.find_map(|open| Some((open.words, open.end(&self.key, &self.value)?))) {
            Some((words, end)) => write!(f, "{words}{}.", in_one_line(end)),
            None => write!(f, "the setting {} is {value}.", quoted(&self.key)),
        }
    }
}

impl SettingRow {
    fn parse(text: &str) -> Option<(SettingRow, &str)> {
        let (is_match, rest) = match text.strip_prefix("Match row ") {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix("Row ")?),
        };
        let (number, rest) = rest.split_once(" (")?;
        let number = number.parse().ok()?;
        let (from, rest) = json_string(rest)?;
        let (to, rest) = json_string(rest.strip_prefix(" and ")?)?;
        Some((SettingRow { is_match, number, from, to }, rest.strip_prefix("):")?))
    }
}

impl fmt::Display for SettingRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_match { "Match row" } else { "Row" };
        write!(f, "{kind} {} ({} and {})", self.number, quoted(&self.from), quoted(&self.to))
    }
}

fn quoted(text: &str) -> String {
    in_one_line(&Value::from(text))
}

/// The JSON string that a text begins with, and what follows it.
fn json_string(text: &str) -> Option<(String, &str)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let value = values.next()?.ok()?;
    Some((value, &text[values.byte_offset()..]))
}

/// Whether two texts are the same words, however they are spaced.
fn same_words(a: &str, b: &str) -> bool {
    a.split_whitespace().eq(b.split_whitespace())
}

impl DraftSection {
    /// The settings that the section states.
    pub fn settings(&self) -> impl Iterator<Item = &Setting> {
        self.statements.iter().filter_map(|statement| match statement {
            StatementKind::Setting(setting) => Some(setting),
            _ => None,
        })
    }
}

/// Which record types a heading names, where that can't be told from its words: in which of them
/// the system's name ends.
pub(crate) fn names_setting(from: &TypeName, to: &TypeName) -> Setting {
    let name = |name: &TypeName| serde_json::json!([name.system, name.kind, name.facet]);
    Setting::of_flow("names", Value::Array(vec![name(from), name(to)]))
}

/// The record types that such a setting names.
pub(crate) fn named_types(setting: &Setting) -> Option<(TypeName, TypeName)> {
    let name = |value: &Value| {
        let part = |at: usize| value.get(at)?.as_str().map(String::from);
        Some(TypeName { system: part(0)?, kind: part(1)?, facet: part(2) })
    };
    (setting.key == "names").then_some(())?;
    Some((name(setting.value.get(0)?)?, name(setting.value.get(1)?)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_sentence_is_taken_for_another() {
        for (at, open) in OPEN.iter().enumerate() {
            let others = OPEN.iter().enumerate().filter(|(other, _)| *other != at);
            let words = others.map(|(_, other)| other.words).chain(FIXED.map(|(.., words)| words));
            for other in words {
                assert!(!other.starts_with(open.words), "{:?} begins like {other:?}", open.words);
            }
        }
        for (at, (.., words)) in FIXED.iter().enumerate() {
            assert!(!FIXED[..at].iter().any(|(.., known)| known == words), "{words} twice");
        }
    }

    #[test]
    fn every_setting_is_a_sentence_that_is_read_back() {
        let row = |is_match| {
            Some(SettingRow { is_match, number: 3, from: "a \"b\" (c)".into(), to: "d: e".into() })
        };
        for row in [None, row(false), row(true)] {
            for (key, value) in [
                ("deletes", json!("propagate")),
                ("deletes", json!({"propagate": {"set": {"gone": true}}})),
                ("direction", json!("backward")),
                ("extra", json!("review")),
                ("extra", json!("delete")),
                ("extra", json!("ignore")),
                ("filter", json!("a == \"x. y\"\n and b")),
                ("prefer", json!(["Wix", "Super \u{2028}Office"])),
                ("follows", json!(["company", "owner"])),
                ("follows_to", json!(["company"])),
                ("only", json!("kind == \"customer\"")),
                ("only_to", json!("not closed")),
                ("ceases", json!("keep")),
                ("ceases", json!("review")),
                ("ceases", json!("delete")),
                ("region", json!("NO")),
                ("as", json!("phone")),
                ("type", json!(["without-prefix", "SO-", "_."])),
                ("wins", json!({"any-of": ["gold", "silver"]})),
                ("wins", json!({"any-of": ["gold"], "most-of": []})),
                ("map", json!([["Norway", "NO"], ["Noreg", "NO"]])),
                ("else", json!("pass")),
                ("default", json!("Unknown")),
                ("set", json!({"a": [1, null]})),
                ("order", json!("by amount desc")),
                ("max", json!(3.5)),
                ("odd \"key\". is", json!("Also: it.")),
            ] {
                let setting = Setting { row: row.clone(), key: key.into(), value };
                let sentence = setting.to_string();
                assert!(!sentence.contains('\n') && Setting::begins(&sentence), "{sentence}");
                assert_eq!(Setting::parse(&sentence), Some(setting), "{sentence}");
            }
        }
        assert_eq!(
            Setting::parse("Also: when one  of the two is deleted, the other stays."),
            Some(Setting::of_flow("deletes", json!("ignore")))
        );
        // As documents had them before they had sentences of their own.
        for (text, key, value) in [
            ("Also: the setting \"only\" is \"a\".", "only", json!("a")),
            ("Also: the setting \"ceases\" is \"delete\".", "ceases", json!("delete")),
            ("Also: the setting \"wins\" is {\"any-of\":[1]}.", "wins", json!({"any-of": [1]})),
        ] {
            assert_eq!(Setting::parse(text), Some(Setting::of_flow(key, value)), "{text}");
        }
        for text in ["Also: ask Liv.", "Row 2 is odd.", "Row 1 (\"a\" and \"b\"): nobody knows."] {
            assert_eq!(Setting::parse(text), None, "{text}");
        }
    }
}

//! Where the time of the last change is: one for the record, or some for single properties (P1).

use std::collections::BTreeMap;

use serde::Deserialize;

/// What stands for all properties that have no time of their own.
const ALL: &str = "*";

/// `modified: updated_at`, or `modified: { "*": updated_at, street: street_updated }`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
pub(crate) enum Modified {
    OfRecord(String),
    Each(BTreeMap<String, String>),
}

impl Modified {
    /// Where the record's own time is.
    pub(crate) fn of_record(&self) -> Option<&str> {
        match self {
            Modified::OfRecord(column) => Some(column),
            Modified::Each(columns) => columns.get(ALL).map(String::as_str),
        }
    }

    /// The properties that have a time of their own, each with where it is.
    pub(crate) fn of_properties(&self) -> impl Iterator<Item = (&str, &str)> {
        let columns = match self {
            Modified::OfRecord(_) => None,
            Modified::Each(columns) => Some(columns),
        };
        columns
            .into_iter()
            .flatten()
            .filter(|(name, _)| *name != ALL)
            .map(|(name, column)| (name.as_str(), column.as_str()))
    }

    /// All columns that it names.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        self.of_record()
            .into_iter()
            .chain(self.of_properties().flat_map(|(name, column)| [name, column]))
    }

    /// What is wrong with it, whatever the records hold (G10).
    pub(crate) fn fault(&self) -> Option<String> {
        if matches!(self, Modified::Each(columns) if columns.is_empty()) {
            return Some("`modified` names nothing".into());
        }
        let itself = self.of_properties().find(|(name, column)| name == column);
        itself.map(|(name, _)| format!("`{name}` of `modified` can't be its own time of change"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p1_a_time_is_of_the_record_or_of_some_of_its_properties() {
        let modified = |text: &str| serde_json::from_str::<Modified>(text).unwrap();
        assert_eq!(modified("\"at\"").of_record(), Some("at"));
        let each = modified(r#"{"*": "at", "street": "street_at"}"#);
        assert_eq!(
            (each.of_record(), each.of_properties().collect::<Vec<_>>()),
            (Some("at"), vec![("street", "street_at")])
        );
        assert_eq!(modified(r#"{"street": "street_at"}"#).of_record(), None);
        assert!(
            modified("{}").fault().is_some()
                && modified(r#"{"street": "street"}"#).fault().is_some()
        );
        assert_eq!(each.fault(), None);
    }
}

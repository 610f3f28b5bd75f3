//! Values for records that anyone can see are a test: of the property's type, and where people
//! choose from few words, one of these.

use std::collections::BTreeMap;

use lockstep_model::flow::PropertyRef;
use lockstep_model::value::is_empty;
use lockstep_model::{Kind, PlainType, ReadRecord, Value};
use serde_json::json;

use super::Run;
use crate::{ReadRequest, WriteValue};

/// Properties of these names hold one of a few words, which nobody should invent.
const CODES: [&str; 16] = [
    "country",
    "lang",
    "locale",
    "currency",
    "timezone",
    "time_zone",
    "status",
    "state",
    "type",
    "kind",
    "role",
    "gender",
    "category",
    "visibility",
    "unit",
    "region",
];
/// Properties of these names may hide the record if they are true (or false); where they are texts,
/// they hold one of a few words.
const HIDING: [&str; 18] = [
    "active",
    "inactive",
    "enabled",
    "disabled",
    "deleted",
    "archived",
    "hidden",
    "visible",
    "blocked",
    "banned",
    "retired",
    "suspended",
    "trash",
    "draft",
    "published",
    "locked",
    "closed",
    "removed",
];

/// A text is not tried at full length above this.
const LONG: usize = 2_000;

impl Run<'_> {
    /// Whether the property can be written at all. The id, and what the system sets itself, are
    /// left to it.
    pub(super) fn is_writable(&self, prop: usize) -> bool {
        let property = &self.ty.properties[prop];
        let records = &self.seen.records;
        let is_id = !records.is_empty()
            && records.iter().all(|record| {
                record.values[prop]
                    .as_ref()
                    .is_some_and(|value| super::as_id(value) == json!(record.id))
            });
        !property.read_only && property.derived_from.is_none() && !is_id
    }

    /// Whether a change of it may hide the record.
    pub(super) fn may_hide(&self, prop: usize) -> bool {
        let name = self.last_name(prop);
        self.ty.properties[prop].ty == PlainType::Boolean
            && HIDING.iter().any(|word| name.contains(word))
    }

    fn last_name(&self, prop: usize) -> String {
        let path = self.path(prop);
        path.rsplit('.').next().unwrap_or(path).to_lowercase()
    }

    /// What the records hold there, the commonest first.
    fn held_values(&self, prop: usize) -> Vec<Value> {
        let mut counted: BTreeMap<String, (usize, Value)> = BTreeMap::new();
        for value in self
            .seen
            .records
            .iter()
            .filter_map(|record| record.values[prop].as_ref())
            .filter(|value| !is_empty(value))
        {
            counted.entry(value.to_string()).or_insert((0, value.clone())).0 += 1;
        }
        let mut all: Vec<(usize, Value)> = counted.into_values().collect();
        all.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        all.into_iter().map(|(_, value)| value).collect()
    }

    /// Values for all that can be written of a new record.
    pub(super) fn marked(&self, mark: &str) -> Vec<WriteValue> {
        let value = |prop: usize| {
            Some(WriteValue {
                prop,
                value: self.sample(prop, mark, 0)?,
                displaced: Value::Null.into(),
            })
        };
        (0..self.watch.len()).filter(|prop| self.is_writable(*prop)).filter_map(value).collect()
    }

    /// Whether a creation may be refused because of it, and goes without it.
    pub(super) fn is_risky(&self, prop: usize) -> bool {
        let property = &self.ty.properties[prop];
        !property.required
            && (property.list
                || property.reference.is_some()
                || property.ty != PlainType::String
                || self.is_code(prop))
    }

    /// By which of the words for codes its name goes.
    pub(super) fn code_of(&self, prop: usize) -> Option<&'static str> {
        let name = self.last_name(prop);
        CODES.into_iter().find(|code| name.contains(code))
    }

    pub(super) fn is_code(&self, prop: usize) -> bool {
        let held = self.held_values(prop);
        let shown = self
            .seen
            .records
            .iter()
            .filter(|record| record.values[prop].as_ref().is_some_and(|v| !is_empty(v)))
            .count();
        self.ty.properties[prop].ty == PlainType::String
            && (self.code_of(prop).is_some()
                || HIDING.iter().any(|word| self.last_name(prop).contains(word))
                || shown >= 4 && held.len() * 2 <= shown)
    }

    /// A value of the property's type; another one for each `variant`. `None` where none can be
    /// made.
    pub(super) fn sample(&self, prop: usize, mark: &str, variant: usize) -> Option<Value> {
        let property = &self.ty.properties[prop];
        let held = self.held_values(prop);
        if let Some(to) = &property.reference {
            let mut known: Vec<Value> = held
                .iter()
                .flat_map(|value| match value {
                    Value::Array(list) => list.clone(),
                    one => vec![one.clone()],
                })
                .collect();
            known.dedup();
            if known.len() <= variant {
                let numeric = known.first().map(Value::is_number);
                known.extend(
                    self.ids_of(to, numeric)
                        .into_iter()
                        .filter(|id| !known.contains(id))
                        .collect::<Vec<_>>(),
                );
            }
            let one = known.get(variant).cloned();
            return if property.list { one.map(|one| json!([one])) } else { one };
        }
        if property.list || property.ty == PlainType::List {
            if property.ty == PlainType::List && !held.is_empty() {
                return held.get(variant).cloned();
            }
            let one = |part: &str| self.plain(prop, &format!("{mark}{part}"), variant);
            return Some(match variant {
                0 => json!([one("p"), one("q")]),
                _ => json!([one("q"), one(&format!("r{variant}"))]),
            });
        }
        match property.ty {
            _ if self.is_code(prop) => held.get(variant).cloned().or_else(|| {
                (property.required && variant == 0).then(|| self.plain(prop, mark, variant))
            }),
            PlainType::Integer if !held.is_empty() => held.get(variant).cloned().or_else(|| {
                let one = held[0].as_i64()?;
                Some(json!(one.checked_add(i64::try_from(variant).ok()?)?))
            }),
            PlainType::Boolean if self.may_hide(prop) => match variant {
                0 => held.first().cloned(),
                _ => None,
            },
            PlainType::Any => held.get(variant).cloned(),
            _ => Some(self.plain(prop, mark, variant)),
        }
    }

    fn plain(&self, prop: usize, mark: &str, variant: usize) -> Value {
        let property = &self.ty.properties[prop];
        let path = property.path.as_str().to_lowercase();
        let number = xxhash_rust::xxh3::xxh3_64(mark.as_bytes()) % 1_000_000;
        let has = |words: &[&str]| words.iter().any(|word| path.contains(word));
        let text = match property.kind {
            Kind::Email => format!("lockstep-{mark}@example.com"),
            _ if has(&["mail"]) => format!("lockstep-{mark}@example.com"),
            Kind::Phone => format!("+47 22 {number:06}"),
            Kind::Number => ["1.5", "2.25", "3.75"][variant.min(2)].to_string(),
            _ if has(&["phone", "mobile", "telefon"]) => format!("+47 22 {number:06}"),
            Kind::Url => format!("https://example.com/lockstep-{mark}"),
            _ if has(&["url", "website", "homepage"]) => {
                format!("https://example.com/lockstep-{mark}")
            }
            _ if has(&["login", "username", "user_name", "slug", "handle"]) => {
                format!("lockstep-{mark}")
            }
            _ => format!("Lockstep test {mark}"),
        };
        match property.ty {
            PlainType::Integer | PlainType::Minutes => json!(1 + variant),
            PlainType::Float | PlainType::Decimal => {
                [json!(1.5), json!(2.25), json!(3.75)][variant.min(2)].clone()
            }
            PlainType::Boolean => json!(variant.is_multiple_of(2)),
            PlainType::Date => json!(["2001-02-03", "2002-03-04", "2003-04-05"][variant.min(2)]),
            PlainType::Datetime => {
                json!(
                    ["2001-02-03T04:05:06Z", "2002-03-04T05:06:07Z", "2003-04-05T06:07:08Z"]
                        [variant.min(2)]
                )
            }
            _ => {
                let most = property.stored_as.max_chars.unwrap_or(usize::MAX);
                let is_text = text.starts_with("Lockstep test");
                // As long as the manifest says that it may be.
                let text = if is_text && variant > 0 && most <= LONG {
                    format!("{text} {}", "abcdefghi ".repeat(most / 10 + 1))
                } else {
                    text
                };
                let cut: String = text.chars().take(most).collect();
                json!(cut.trim_end())
            }
        }
    }

    /// Ids of some records of a type that is referred to.
    fn ids_of(&self, kind: &str, numeric: Option<bool>) -> Vec<Value> {
        let ty = self.connector.types().iter().find(|ty| ty.kind == kind);
        let Some(ty) = ty else { return vec![] };
        let watch: Vec<PropertyRef> = vec![];
        let request = ReadRequest { kind, watch: &watch, checkpoint: None, page_size: 5 };
        let records: Vec<ReadRecord> =
            self.connector.read(request).map(|page| page.records).unwrap_or_default();
        let numeric = numeric.or(ty.numeric_ids).unwrap_or(false);
        let id = |id: &str| match id.parse::<u64>() {
            Ok(number) if numeric => json!(number),
            _ => json!(id),
        };
        records.iter().filter(|record| !record.deleted).map(|record| id(&record.id)).collect()
    }
}

//! The changes of an intent on disk: a JSON list of objects with `path` and `value`, the claim's
//! time `at` and its `rule`; and only where they say something: `displaced`; `of` and `to` for a
//! counterpart (P8); `from` where the claim's property has another path, `record` and `type` where
//! its record is not the intent's source, `prop` where the claim's record is not known.

use std::borrow::Cow;

use lockstep_model::change::{Change, Counterpart, Intent, Reason};
use lockstep_model::{BaseVersion, ClaimStamp, PropIx, RecordId, Rule, Timestamp, TypeIx, Value};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::bound::{Bound, KnownType};
use super::fault::{Fallible, Fault};
use super::json;
use super::json::Cursor;

#[derive(Serialize)]
struct ChangeOut<'a> {
    path: &'a str,
    value: &'a Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    displaced: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<i64>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    ty: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prop: Option<u16>,
    rule: Rule,
    #[serde(skip_serializing_if = "Reason::is_latest")]
    why: Reason,
}

#[derive(Deserialize)]
struct ChangeIn<'a> {
    #[serde(borrow)]
    path: Cow<'a, str>,
    value: Value,
    #[serde(default)]
    displaced: Value,
    of: Option<i64>,
    #[serde(borrow)]
    to: Option<Cow<'a, str>>,
    at: i64,
    #[serde(borrow)]
    from: Option<Cow<'a, str>>,
    record: Option<i64>,
    #[serde(rename = "type", borrow)]
    ty: Option<Cow<'a, str>>,
    prop: Option<u16>,
    rule: Rule,
    #[serde(default)]
    why: Reason,
}

pub(super) fn changes_out(
    conn: &Connection,
    bound: &mut Bound,
    intent: &Intent,
    source_type: Option<TypeIx>,
) -> Fallible<String> {
    let mut out = Vec::with_capacity(80 * intent.changes.len() + 2);
    out.push(b'[');
    for change in &intent.changes {
        // Nearly always the source's own claim.
        let by_source = intent.source.is(change.claim.record) && source_type.is_some();
        let claimed_type =
            if by_source { source_type } else { bound.type_of(conn, change.claim.record)? };
        let claimed = claimed_type.map(|ty| bound.ty(ty)).transpose()?;
        let from = claimed.map(|ty| ty.path(change.claim.prop)).transpose()?;
        let path = bound.ty(intent.ty)?.path(change.prop)?;
        let entry = ChangeOut {
            path,
            value: &change.value,
            displaced: &change.displaced,
            of: change.counterpart_of.map(|other| other.of.0),
            to: change
                .counterpart_of
                .map(|other| bound.ty(other.ty).map(|ty| ty.name.as_str()))
                .transpose()?,
            at: change.claim.at.0,
            from: from.filter(|from| *from != path),
            record: (!by_source).then_some(change.claim.record.0),
            ty: claimed.filter(|_| !by_source).map(|ty| ty.name.as_str()),
            prop: claimed.is_none().then_some(change.claim.prop.0),
            rule: change.rule,
            why: change.reason,
        };
        if out.len() > 1 {
            out.push(b',');
        }
        serde_json::to_writer(&mut out, &entry)
            .map_err(|error| Fault::Damaged(error.to_string()))?;
    }
    out.push(b']');
    String::from_utf8(out).map_err(|error| Fault::Damaged(error.to_string()))
}

/// Reads changes that are as nearly all are: each of a property of the plan, by the source's own
/// claim, and no reference. `None` where one says more than that. A first run reads a million of
/// them.
fn plain_changes(
    text: &str,
    target: &KnownType,
    source_type: &KnownType,
    source: RecordId,
) -> Option<Vec<Change>> {
    let mut changes = Vec::with_capacity(target.heads.len());
    let mut cursor = Cursor::new(text);
    let mut next = 0;
    let mut before = "[{\"path\":";
    while cursor.take(before) {
        before = ",{\"path\":";
        // Without the colon.
        let named = |at: &usize| {
            target.heads.get(*at).is_some_and(|head| cursor.take(&head[..head.len() - 1]))
        };
        let at = (next..target.heads.len()).chain(0..next).find(named)?;
        next = at + 1;
        cursor.take(",\"value\":").then_some(())?;
        let value = cursor.value()?;
        let displaced = if cursor.take(",\"displaced\":") { cursor.value()? } else { Value::Null };
        cursor.take(",\"at\":").then_some(())?;
        let time = Timestamp(cursor.value()?.as_i64()?);
        let from = if cursor.take(",\"from\":") { Some(cursor.value()?) } else { None };
        let claimed = source_type
            .prop(from.as_ref().map_or(Some(target.properties[at].as_str()), Value::as_str)?)?;
        cursor.take(",\"rule\":").then_some(())?;
        let rule = Rule::parse(cursor.value()?.as_str()?)?;
        let reason = if cursor.take(",\"why\":") {
            Reason::parse(cursor.value()?.as_str()?)?
        } else {
            Reason::Latest
        };
        cursor.take("}").then_some(())?;
        changes.push(Change {
            prop: PropIx(at as u16),
            value,
            displaced: displaced.into(),
            counterpart_of: None,
            claim: ClaimStamp { at: time, record: source, prop: claimed },
            rule,
            reason,
        });
    }
    (cursor.take("]") && cursor.is_done()).then_some(changes)
}

/// Reads the changes; those of properties that the plan does not name any more are left out.
pub(super) fn changes_in(
    bound: &Bound,
    changes: &str,
    ty: TypeIx,
    source: RecordId,
    source_row: Option<i64>,
) -> Option<Vec<Change>> {
    let target = bound.ty(ty).ok()?;
    let source_type = source_row.and_then(|row| bound.of_row(row)).map(|(_, ty)| ty);
    let plain =
        source_type.and_then(|source_type| plain_changes(changes, target, source_type, source));
    plain.or_else(|| any_changes(bound, changes, target, source_type, source))
}

fn any_changes(
    bound: &Bound,
    changes: &str,
    target: &KnownType,
    source_type: Option<&KnownType>,
    source: RecordId,
) -> Option<Vec<Change>> {
    let entries: Vec<ChangeIn<'_>> = json::parse(changes).ok()?;
    let change = |entry: ChangeIn<'_>| {
        let prop = target.prop(&entry.path)?;
        let claimed = match (entry.prop, &entry.ty) {
            (Some(number), _) => PropIx(number),
            (None, Some(name)) => {
                bound.named(name)?.1.prop(entry.from.as_deref().unwrap_or(&entry.path))?
            }
            (None, None) => source_type?.prop(entry.from.as_deref().unwrap_or(&entry.path))?,
        };
        let counterpart_of = match (entry.of, &entry.to) {
            (Some(of), Some(name)) => {
                Some(Counterpart { of: RecordId(of), ty: bound.named(name)?.0 })
            }
            _ => None,
        };
        let record = entry.record.map_or(source, RecordId);
        let claim = ClaimStamp { at: Timestamp(entry.at), record, prop: claimed };
        let (value, displaced) = (entry.value, entry.displaced.into());
        Some(Change {
            prop,
            value,
            displaced,
            counterpart_of,
            claim,
            rule: entry.rule,
            reason: entry.why,
        })
    };
    Some(entries.into_iter().filter_map(change).collect())
}

/// What stands in place of a version where the record is to be looked at first.
const UNSEEN: &str = "";

/// On which version a write was decided, as it is on disk.
pub(super) fn base_version_out(version: &BaseVersion) -> Option<&str> {
    match version {
        BaseVersion::Unknown => None,
        BaseVersion::Known(version) => Some(version),
        BaseVersion::Unseen => Some(UNSEEN),
    }
}

/// Reads it.
pub(super) fn base_version_in(version: Option<&str>) -> BaseVersion {
    match version {
        None => BaseVersion::Unknown,
        Some(UNSEEN) => BaseVersion::Unseen,
        Some(version) => BaseVersion::Known(version.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BoundType;
    use lockstep_model::TypeName;

    #[test]
    fn plain_changes_are_read_like_any_others_and_all_others_are_left_to_the_slower_way() {
        let bound_type = |name: &str, properties: &[&str]| BoundType {
            name: TypeName::parse(name).unwrap(),
            properties: properties.iter().map(|path| (*path).to_string()).collect(),
            fingerprint: 1,
            flows: vec![],
        };
        let target = KnownType::new(1, &bound_type("a.Person", &["name", "e\"mail", "phones"]));
        let other = KnownType::new(2, &bound_type("b.Contact", &["name", "mail", "phones"]));
        let bound = Bound::new(vec![target, other]);
        let (target, other) = (bound.ty(TypeIx(0)).unwrap(), bound.ty(TypeIx(1)).unwrap());
        let both = |text: &str| {
            let any = any_changes(&bound, text, target, Some(other), RecordId(7));
            (plain_changes(text, target, other, RecordId(7)), any)
        };
        for text in [
            r#"[{"path":"name","value":"Åse \"q\"","at":5,"rule":"P1"}]"#,
            r#"[{"path":"name","value":null,"displaced":["x",{"y":1.5}],"at":-5,"rule":"P9"},{"path":"phones","value":["1"],"at":0,"rule":"P2"}]"#,
            r#"[{"path":"phones","value":1,"at":5,"rule":"P1","why":"untold"},{"path":"e\"mail","value":"a@example.com","at":5,"from":"mail","rule":"P1"}]"#,
        ] {
            let (plain, any) = both(text);
            assert!(plain.is_some() && plain == any, "{text}: {plain:?}, {any:?}");
        }
        for text in [
            "[]",
            r#"[{"path":"name","value":1,"of":3,"to":"b.Contact","at":5,"rule":"P8"}]"#,
            r#"[{"path":"name","value":1,"at":5,"record":9,"type":"b.Contact","rule":"P1"}]"#,
            r#"[{"path":"name","value":1,"at":5,"record":9,"prop":2,"rule":"P1"}]"#,
            r#"[{"path":"name","value":1,"at":5,"rule":"P1"},{"path":"is not watched any more","value":1,"at":5,"rule":"P1"}]"#,
        ] {
            let (plain, any) = both(text);
            assert!(plain.is_none() && any.is_some(), "{text}: {plain:?}, {any:?}");
        }
        assert_eq!(both(r#"[{"path":"name","value":1,"at":5,"rule":"P1"}"#), (None, None));
    }
}

//! What the suite stores: plain records, and such as are awkward in every way that the model
//! allows.

use lockstep_model::change::{Change, Counterpart, IntentKind, Reason};
use lockstep_model::ids::TypeName;
use lockstep_model::{
    BaseVersion, Claim, ClaimStamp, Detail, EntityId, Flips, FlowIx, Intent, IntentId, IntentState,
    Presence, PropIx, RecordId, RecordState, Review, ReviewKind, Rule, RunId, Slot, Timestamp,
    TypeIx, Value, Why,
};
use serde_json::json;

use crate::{BoundType, JournalEntry, JournalKind};

/// The record types that the suite works with; the second has a property more.
pub(super) const PEOPLE: TypeIx = TypeIx(0);
pub(super) const USERS: TypeIx = TypeIx(1);

/// The plan that the suite binds.
pub fn plan() -> Vec<BoundType> {
    let bound = |name: &str, properties: &[&str], fingerprint| BoundType {
        name: TypeName::parse(name).unwrap(),
        properties: properties.iter().map(|path| path.to_string()).collect(),
        fingerprint,
        flows: vec![FlowIx(3); 2],
    };
    vec![
        bound("crm.People", &["name", "mail", "phones.number", "odd \"path\""], 1),
        bound("desk.Users (human data)", &["full name", "email", "Åse", "note", "mail"], u64::MAX),
    ]
}

pub(super) fn person(id: i64, key: &str) -> RecordState {
    RecordState {
        id: RecordId(id),
        ty: PEOPLE,
        key: key.into(),
        entity: EntityId(id),
        version: None,
        modified: None,
        first_seen: Timestamp(1_700_000_000_000),
        presence: Presence::Live,
        written_at: None,
        slots: [json!(key), json!(format!("{key}@example.com")), json!(["1", "2"]), Value::Null]
            .map(read_at_1)
            .to_vec(),
    }
}

/// A property as it is right after it was read for the first time.
fn read_at_1(value: Value) -> Slot {
    let claimed = lockstep_model::value::effective(&value, false).clone();
    let claim = (!lockstep_model::value::is_empty(&value)).then(|| claim(claimed, 1));
    Slot { shadow: Some(value), claim, ..Slot::default() }
}

pub(super) fn claim(value: Value, at: i64) -> Claim {
    Claim { value, at: Timestamp(at), goes: vec![] }
}

/// Everything about it is worth a second look.
pub(super) fn awkward(id: RecordId, entity: EntityId) -> RecordState {
    let stamp = ClaimStamp { at: Timestamp(-7), record: id, prop: PropIx(4) };
    let goes = vec![(PEOPLE, vec![PropIx(2), PropIx(0)]), (USERS, vec![])];
    RecordState {
        id,
        ty: USERS,
        key: "日本/\"Åse\"\u{0}'; --".into(),
        entity,
        version: Some("W/\"7\"".into()),
        modified: Some(Timestamp(-1)),
        first_seen: Timestamp(i64::MAX),
        presence: Presence::Gone,
        written_at: Some(Timestamp(0)),
        slots: vec![
            // Absent is not empty (R5); it was claimed nonetheless, and displaced nothing.
            Slot {
                claim: Some(claim(Value::Null, 2)),
                displaced: Some(Box::new(Value::Null)),
                ..Slot::default()
            },
            Slot { shadow: Some(Value::Null), carries: Some(stamp), ..Slot::default() },
            Slot {
                shadow: Some(json!(["", "a", "b"])),
                claim: Some(Claim { goes, ..claim(json!("a"), 3) }),
                pick: Some(Box::new("b".into())),
                ..Slot::default()
            },
            Slot {
                shadow: Some(json!(["x", {"y": 0.1}])),
                claim: Some(claim(json!(["x", {"y": 0.1}]), 3)),
                ..Slot::default()
            },
            Slot {
                shadow: Some(json!("\u{1F600}\\\"\n")),
                claim: Some(claim(json!("before"), 2)),
                carries: Some(stamp),
                displaced: Some(Box::new(json!([]))),
                flips: Some(Box::new(Flips { to: json!(["x"]), times: 2, rounds: 7 })),
                ..Slot::default()
            },
        ],
    }
}

pub(super) fn intent(id: i64, source: RecordId, state: IntentState) -> Intent {
    let claim = |record, prop| ClaimStamp { at: Timestamp(4), record, prop: PropIx(prop) };
    let plain = |prop, value, claim| Change {
        prop: PropIx(prop),
        value,
        displaced: Value::Null.into(),
        counterpart_of: None,
        claim,
        rule: Rule::P1,
        reason: Reason::Latest,
    };
    Intent {
        id: IntentId(id),
        run: RunId(1),
        kind: IntentKind::Update,
        rank: 2,
        ty: USERS,
        record: Some(RecordId(77)),
        entity: EntityId(source.0),
        source: source.into(),
        flow: FlowIx(3),
        base_version: BaseVersion::Known("3".into()),
        changes: vec![
            plain(4, json!("a@example.com"), claim(source, 1)),
            // Of a record that nobody knows.
            Change {
                displaced: json!(["old"]).into(),
                rule: Rule::P9,
                reason: Reason::Tie,
                ..plain(2, Value::Null, claim(RecordId(i64::MAX), 9))
            },
            Change {
                counterpart_of: Some(Counterpart { of: source, ty: PEOPLE }),
                rule: Rule::P1a,
                ..plain(0, Value::Null, claim(source, 0))
            },
        ],
        state,
        attempts: 1,
        not_before: None,
        message: Some("503, “come back later”".into()),
        decided_at: Timestamp(5),
        done_at: None,
    }
}

pub(super) fn review(record: RecordId, prop: Option<PropIx>) -> Review {
    Review {
        kind: ReviewKind::RejectedValue,
        about: record.into(),
        ty: USERS,
        prop,
        rule: Rule::G4,
        candidates: vec![RecordId(3), RecordId(1)],
        value: json!({"a": [1]}),
        why: Why::said("“x” is refused"),
        opened_at: Timestamp(10),
    }
}

pub(super) fn entry(run: RunId, record: RecordId, at: i64) -> JournalEntry {
    JournalEntry {
        at: Timestamp(at),
        run,
        kind: JournalKind::Written,
        about: record.into(),
        path: Some("full name".into()),
        before: json!(""),
        after: json!({"b": 1, "a": 2}),
        rule: Some(Rule::P1a),
        other: Some(RecordId(3)),
        intent: Some(IntentId(4)),
        detail: Detail::Said("words".into()),
    }
}

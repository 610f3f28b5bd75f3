//! What flows put in of their own: a constant (`set`), or a default. Nobody has edited that.

use lockstep_engine::Plan;
use lockstep_model::detail::{DecidedBy, Detail, PutIn, Wrote};
use lockstep_model::value::{is_empty, same};
use lockstep_model::{
    Change, NumberMap, Policy, PropIx, Reason, RecordId, RecordState, Timestamp, TypeIx, Value,
};

/// What a flow has put into a property, where it has; `source` is what the row takes it from.
pub(crate) fn put_in_by_flow(
    plan: &Plan,
    (ty, prop): (TypeIx, PropIx),
    (source, theirs): (&RecordState, PropIx),
    value: &Value,
) -> Option<PutIn> {
    let bearings = &plan.ty(ty).bearings[prop.at()];
    let by =
        bearings.iter().find(|by| by.defaults && by.other == source.ty && by.theirs == theirs)?;
    let conversions = by.conversion.as_ref().ok()?;
    // What depends on the time is no constant, and is not looked for here.
    let made_of = |value: Value| {
        let apply =
            |value: Value, one: &lockstep_model::Conversion| one.apply(&value, Timestamp::UNTOLD);
        let made = conversions.iter().try_fold(value, apply).ok()?;
        (!is_empty(&made)).then_some(made)
    };
    let terms = plan.prop(ty, prop).terms();
    let of_nothing = made_of(Value::Null).filter(|made| same(terms, made, value))?;
    // Two texts that no record holds: what makes the same of both looks at neither.
    let looks_away = ["\u{1}", "\u{2}\u{3}"]
        .iter()
        .all(|text| made_of((*text).into()).as_ref() == Some(&of_nothing));
    if looks_away {
        return Some(PutIn::Constant);
    }
    let claimed = source.slot(theirs).claim.as_ref().map(|claim| &claim.value);
    claimed.is_none_or(is_empty).then_some(PutIn::Default)
}

/// What of a flow has decided for a value that is written: a constant, a default, or the policy of
/// its row. `None` where none of these did.
pub(crate) fn by_flow(
    plan: &Plan,
    (ty, change): (TypeIx, &Change),
    known: &NumberMap<RecordId, RecordState>,
) -> Option<Wrote> {
    let put_in = known.get(&change.claim.record).and_then(|source| {
        put_in_by_flow(plan, (ty, change.prop), (source, change.claim.prop), &change.value)
    });
    let by_policy = || match (change.reason, &plan.prop(ty, change.prop).policy) {
        (Reason::Policy, policy) if *policy != Policy::Latest => {
            Some(Wrote::Decided(DecidedBy::Policy(policy.clone())))
        }
        _ => None,
    };
    put_in.map(Wrote::PutIn).or_else(by_policy)
}

/// What has decided for a value that is written, where it was not that it is the latest.
pub(crate) fn decided_by(
    plan: &Plan,
    (ty, change): (TypeIx, &Change),
    known: &NumberMap<RecordId, RecordState>,
) -> Detail {
    let by_reason = || match change.reason {
        Reason::Latest => None,
        reason => {
            let source = known.get(&change.claim.record);
            let first = plan.ty(source.map_or(ty, |source| source.ty)).name.to_string();
            Some(Wrote::Decided(DecidedBy::Reason { reason, first }))
        }
    };
    by_flow(plan, (ty, change), known).or_else(by_reason).map_or(Detail::Nothing, Detail::from)
}

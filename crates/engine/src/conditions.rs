//! Conditions: which records a flow is about (L11), and whether it holds for a record just now
//! (L9).

use lockstep_model::value::effective;
use lockstep_model::value::is_empty;
use lockstep_model::why::NotCreated;
use lockstep_model::{Change, Path, PropIx, RecordState, Slot, TypeIx, Value, Why};

use crate::graph::{Apart, apart};
use crate::plan::{Bearing, Condition, Plan, PlanFlow, PlanProp};

/// Whether the flow's condition for creating holds for this record. A flow without one holds for
/// all.
pub fn holds(plan: &Plan, flow: &PlanFlow, record: &RecordState) -> Result<bool, String> {
    match &flow.filter {
        Some(condition) => evaluate(plan, condition, record.ty, &record.slots),
        None => Ok(true),
    }
}

/// L11: why a flow is not about a record of its source, or of its target; `None` where it is.
pub fn not_about(plan: &Plan, flow: &PlanFlow, record: &RecordState) -> Option<Why> {
    let fails = |word: &str, condition: &Option<Condition>| {
        let condition = condition.as_ref()?;
        match evaluate(plan, condition, record.ty, &record.slots) {
            Ok(true) => None,
            Ok(false) => {
                let condition = condition.filter.expression.to_string();
                Some(NotCreated::NotAbout { setting: word.to_string(), condition }.into())
            }
            Err(why) => Some(Why::Said(why)),
        }
    };
    let from = (flow.from == record.ty).then(|| fails("only", &flow.only)).flatten();
    from.or_else(|| (flow.to == record.ty).then(|| fails("only_to", &flow.only_to)).flatten())
}

/// L11: whether a flow is certainly not about a record of its source.
pub fn only_fails(plan: &Plan, flow: &PlanFlow, record: &RecordState) -> bool {
    let Some(only) = &flow.only else { return false };
    evaluate(plan, only, record.ty, &record.slots) == Ok(false)
}

/// L11: whether a match rule may link two records: a flow that says it is about both.
pub fn may_match(plan: &Plan, rule: usize, a: &RecordState, b: &RecordState) -> bool {
    if !plan.conditional {
        return true;
    }
    let about =
        |flow: &PlanFlow| not_about(plan, flow, a).is_none() && not_about(plan, flow, b).is_none();
    plan.rules[rule].flows.iter().any(|flow| about(&plan.flows[flow.at()]))
}

/// L11: why a flow would not be about the record that it would make; `None` where it would be, or
/// where only the target can tell.
pub fn not_about_made(plan: &Plan, flow: &PlanFlow, changes: &[Change]) -> Option<Why> {
    let condition = flow.only_to.as_ref()?;
    let target = plan.ty(flow.to);
    // What a row would carry there and has no value for is empty in the new record; what no row
    // carries there, the target may fill in.
    let decided = |prop: PropIx| {
        if let Some(change) = changes.iter().find(|change| change.prop == prop) {
            // P8: the id of a counterpart that is still to be made.
            return change.counterpart_of.is_none();
        }
        let carried = |bearings: &Vec<Bearing>| bearings.iter().any(|of| of.open && !of.reference);
        !target.props[prop.at()].read_only && target.bearings.get(prop.at()).is_some_and(carried)
    };
    let of_path = |path: &Path| {
        let own = target.props.iter().position(|prop| prop.reference.path == *path);
        let own = own.map(|at| PropIx(at as u16));
        own.or(condition.reads.iter().find(|(read, ..)| read == path.as_str()).map(|read| read.1))
    };
    if !condition.filter.reads.iter().all(|path| of_path(path).is_some_and(decided)) {
        return None;
    }
    let mut slots = vec![Slot::default(); target.props.len()];
    for change in changes {
        slots[change.prop.at()].shadow = Some(change.value.clone());
    }
    let made = evaluate(plan, condition, flow.to, &slots);
    let condition = condition.filter.expression.to_string();
    (made != Ok(true)).then(|| NotCreated::NotAboutMade { condition }.into())
}

/// L9, L11: whether nobody has ever put anything into what `only` reads of a record of the flow's
/// source: the flow was never about it, so that it can't have ceased to be. Lockstep may have made
/// it, and its system filled nothing in.
pub fn never_qualified(plan: &Plan, flow: &PlanFlow, record: &RecordState) -> bool {
    let Some(condition) = &flow.only else { return false };
    let props = &plan.ty(record.ty).props;
    let of_path = |path: &Path| {
        let own = props.iter().position(|prop| prop.reference.path == *path);
        let own = own.map(|at| PropIx(at as u16));
        own.or(condition.reads.iter().find(|(read, ..)| read == path.as_str()).map(|read| read.1))
    };
    let untouched = |prop: PropIx| {
        let slot = record.slot(prop);
        slot.claim.is_none()
            && slot.carries.is_none()
            && slot.given.is_none()
            && is_empty(slot.value(props[prop.at()].whole))
    };
    record.written_at.is_some()
        && condition.filter.reads.iter().all(|path| of_path(path).is_some_and(untouched))
}

/// The pairs of record types that a condition keeps apart in an entity of these records just now
/// (L9, unqualified; L11); sorted.
///
/// Where a flow says by `only` or `only_to` what it is about, the filter under `create` gates
/// creating alone.
pub(crate) fn suspended(plan: &Plan, records: &[&RecordState]) -> Vec<Apart> {
    let mut found = Vec::new();
    if !plan.conditional || records.len() < 2 {
        return found;
    }
    for record in records {
        for flow in plan.flows.iter().filter(|flow| flow.from == record.ty || flow.to == record.ty)
        {
            let says_what = flow.only.is_some() || flow.only_to.is_some();
            let unqualified = || {
                flow.from == record.ty
                    && flow.filter.is_some()
                    && holds(plan, flow, record) == Ok(false)
            };
            if says_what && not_about(plan, flow, record).is_some() || !says_what && unqualified() {
                found.push(apart(flow.from, flow.to));
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The properties of a record type that the conditions of these flows read: a write to one may make
/// a flow hold again, or stop it (L9, L11).
pub(crate) fn read_of(flows: &[PlanFlow], ty: TypeIx, props: &[PlanProp]) -> Vec<bool> {
    let from =
        flows.iter().filter(|flow| flow.from == ty).flat_map(|flow| [&flow.filter, &flow.only]);
    let to = flows.iter().filter(|flow| flow.to == ty).map(|flow| &flow.only_to);
    let conditions: Vec<&Condition> = from.chain(to).flatten().collect();
    let is_read = |(ix, prop): (usize, &PlanProp)| {
        conditions
            .iter()
            .any(|condition| reads(condition, PropIx(ix as u16), prop.reference.path.as_str()))
    };
    props.iter().enumerate().map(is_read).collect()
}

/// Whether a condition reads a property, by its own path or by another.
fn reads(condition: &Condition, prop: PropIx, path: &str) -> bool {
    let by_path = condition.filter.reads.iter().any(|read| read.as_str() == path);
    by_path || condition.reads.iter().any(|(_, read, _)| *read == prop)
}

fn evaluate(
    plan: &Plan,
    condition: &Condition,
    ty: TypeIx,
    slots: &[Slot],
) -> Result<bool, String> {
    let mut root = Value::Object(serde_json::Map::new());
    let own = plan.ty(ty).props.iter().zip(slots).filter(|(prop, _)| prop.is_own());
    for (prop, slot) in own {
        if let Some(value) = &slot.shadow {
            prop.reference.path.put(&mut root, value.clone());
        }
    }
    for (written, prop, primary) in &condition.reads {
        let value = slots[prop.at()]
            .shadow
            .as_ref()
            .map(|value| if *primary { effective(value, false) } else { value });
        if let Some(value) = value {
            Path::new(written).put(&mut root, value.clone());
        }
    }
    lockstep_model::filter::holds(&condition.filter, root)
}

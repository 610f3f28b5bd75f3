//! Whose record a key stands for (R9): a key is not a person. Numbers are handed out again, tables
//! are restored, a project is pointed at another account.
//!
//! ```text
//! known by its key     what is read                                      then it is
//! ───────────────────  ────────────────────────────────────────────────  ───────────────────────────
//! gone                 the same creation time or a match value           the same record, back again
//! gone                 neither                                           a new record
//! there                something of what identified it                   the same record, edited
//! there                nothing of it, created later than the known one   a new record; the known one is gone
//! there                nothing of it, no creation time or an earlier one  for a person to say
//! ```
//!
//! A record without a match value, or that shows none any more, is known by what nobody can change
//! through its system's API, else by all that it holds.

use lockstep_model::value::{effective, equal, is_empty, same};
use lockstep_model::{PropIx, ReadRecord, RecordState, Slot, Timestamp, TypeIx, Value};

use crate::keys::slots_match_hashes;
use crate::plan::{Plan, PlanType};
use crate::settle::{Entity, carried_to};

/// Texts and numbers from this length on tell one record from another; shorter ones (a city, a
/// country) many records share.
const TELLING: usize = 10;
/// Words from this length on show that two texts are forms of one: `Kari Lie`, `Kari Moe`.
const WORD: usize = 3;

/// What addresses of many firms begin with. That two share it tells nothing.
const ROLES: [&str; 40] = [
    "accounting",
    "accounts",
    "admin",
    "adm",
    "billing",
    "booking",
    "bookkeeping",
    "butikk",
    "contact",
    "customer",
    "customers",
    "ehf",
    "faktura",
    "finance",
    "firma",
    "firmapost",
    "hello",
    "help",
    "helpdesk",
    "info",
    "invoice",
    "invoices",
    "kontakt",
    "kontor",
    "kundeservice",
    "mail",
    "marketing",
    "office",
    "ordre",
    "orders",
    "order",
    "post",
    "postmottak",
    "regnskap",
    "resepsjon",
    "salg",
    "sales",
    "service",
    "support",
    "team",
];

/// Whom a read shows under the key of a live record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    Same,
    Another,
    /// A person must say.
    Doubtful,
}

/// Whether a record that was gone is back, or its key stands for another one now.
pub fn is_back(plan: &Plan, state: &RecordState, read: &ReadRecord) -> bool {
    let ty = plan.ty(state.ty);
    if let (Some(before), Some(now)) = created(ty, state, read)
        && before == now
    {
        return true;
    }
    let known = match_values(plan, state.ty, &state.slots);
    if !known.is_empty() {
        let shown = match_values(plan, state.ty, &slots_of(&read.values));
        return known.iter().any(|hash| shown.contains(hash));
    }
    // Nothing identifies such records: only one that shows all that the known one held is taken for
    // it.
    let mut held = false;
    for (prop, before) in values(ty, &state.slots) {
        let Some(now) = &read.values[prop.at()] else { continue };
        if !equal(before, effective(now, ty.props[prop.at()].whole)) {
            return false;
        }
        held = true;
    }
    held
}

/// Whom a read shows under the key of a record that is there.
pub(crate) fn of_live(plan: &Plan, state: &RecordState, read: &ReadRecord) -> Identity {
    let ty = plan.ty(state.ty);
    let created = created(ty, state, read);
    if matches!(created, (Some(before), Some(now)) if before == now) {
        return Identity::Same;
    }
    let known = match_values(plan, state.ty, &state.slots);
    let shown = match_values(plan, state.ty, &slots_of(&read.values));
    if known.iter().any(|hash| shown.contains(hash)) {
        return Identity::Same;
    }
    let nameless = known.is_empty() || shown.is_empty();
    let tells_apart = telling_apart(plan, state, nameless);
    let mut changed = 0;
    for (prop, before) in values(ty, &state.slots) {
        let described = &ty.props[prop.at()];
        let Some(now) = read.values[prop.at()].as_ref().map(|now| effective(now, described.whole))
        else {
            continue;
        };
        if is_empty(now) || described.reference_target.is_some() || matches!(before, Value::Bool(_))
        {
            continue;
        }
        let identifies = tells_apart.contains(&prop);
        match same(described.terms(), before, now) {
            true if nameless && identifies || is_telling(before) => return Identity::Same,
            true => {}
            false if identifies && are_kin(before, now) => return Identity::Same,
            false => changed += 1,
        }
    }
    // An address alone is changed every day; a whole person is not.
    match (changed, created) {
        (0 | 1, _) => Identity::Same,
        (_, (Some(before), Some(now))) if now > before => Identity::Another,
        _ => Identity::Doubtful,
    }
}

/// The properties by which a record is told from another one: those of its match values; where it
/// has none, or shows none any more, those that nobody can change through the system's API, and
/// where it holds nothing in such either, everything.
fn telling_apart(plan: &Plan, state: &RecordState, nameless: bool) -> Vec<PropIx> {
    let ty = plan.ty(state.ty);
    if !nameless {
        let sides = with_facets(plan, state.ty).flat_map(|ty| &plan.ty(ty).match_sides);
        return sides.flat_map(|side| &side.props).map(|one| one.prop).collect();
    }
    let held: Vec<PropIx> = values(ty, &state.slots).map(|(prop, _)| prop).collect();
    let fixed: Vec<PropIx> =
        held.iter().copied().filter(|prop| ty.props[prop.at()].create_only).collect();
    if fixed.is_empty() { held } else { fixed }
}

/// The creation times of the known record and of the one that is read, where the system tells them.
fn created(
    ty: &PlanType,
    state: &RecordState,
    read: &ReadRecord,
) -> (Option<Timestamp>, Option<Timestamp>) {
    let Some(prop) = ty.created else { return (None, None) };
    let time = |value: Option<&Value>| match value? {
        Value::String(text) => Timestamp::parse(text),
        Value::Number(number) => number.as_i64().map(Timestamp),
        _ => None,
    };
    (time(state.slot(prop).shadow.as_ref()), time(read.values[prop.at()].as_ref()))
}

/// The hashes of a record's match values. A record is identified by those of all its facets,
/// whichever is looked at (F1).
fn match_values(plan: &Plan, ty: TypeIx, slots: &[Slot]) -> Vec<u64> {
    let mut found = Vec::new();
    for ty in with_facets(plan, ty) {
        for side in &plan.ty(ty).match_sides {
            slots_match_hashes(plan, side, ty, slots, &mut found);
        }
    }
    found
}

/// A record type and the other facets of its collection. They have the same properties at the same
/// places.
fn with_facets(plan: &Plan, ty: TypeIx) -> impl Iterator<Item = TypeIx> {
    std::iter::once(ty).chain(plan.ty(ty).facets.iter().copied())
}

/// Under which hashes what a read shows would be found.
pub fn shown_under(plan: &Plan, ty: TypeIx, read: &ReadRecord) -> Vec<u64> {
    match_values(plan, ty, &slots_of(&read.values))
}

fn slots_of(values: &[Option<Value>]) -> Vec<Slot> {
    values.iter().map(|value| Slot { shadow: value.clone(), ..Slot::default() }).collect()
}

/// What a record holds in properties that say something of it.
fn values<'a>(ty: &'a PlanType, slots: &'a [Slot]) -> impl Iterator<Item = (PropIx, &'a Value)> {
    let says = move |prop: PropIx| {
        let described = &ty.props[prop.at()];
        // What belongs to another record tells nothing of this one.
        let own = !described.tells_time && described.is_own();
        ty.created != Some(prop) && ty.own_id != Some(prop) && own
    };
    let all = slots
        .iter()
        .enumerate()
        .map(|(ix, slot)| (PropIx(ix as u16), slot.value(ty.props[ix].whole)));
    all.filter(move |(prop, value)| says(*prop) && !is_empty(value))
}

/// Whether hardly any other record has this value.
fn is_telling(value: &Value) -> bool {
    match value {
        Value::String(text) => text.trim().chars().count() >= TELLING,
        Value::Number(number) => number.to_string().len() >= WORD + 2,
        _ => false,
    }
}

/// Whether a value may be another form of the same: a new surname, another domain.
fn are_kin(before: &Value, now: &Value) -> bool {
    let (Value::String(before), Value::String(now)) = (before, now) else { return false };
    let (before, now) = (words(before), words(now));
    before.iter().any(|word| now.contains(word))
}

/// The words of a text, of an e-mail address those before the `@` that are no role's. Numbers are
/// none.
fn words(text: &str) -> Vec<String> {
    let (text, is_address) = text.split_once('@').map_or((text, false), |(name, _)| (name, true));
    let text = text.to_lowercase();
    let words = text.split(|c: char| !c.is_alphanumeric());
    let tells = |word: &&str| {
        let is_word = word.chars().count() >= WORD && word.chars().any(char::is_alphabetic);
        is_word && !(is_address && ROLES.contains(word))
    };
    words.filter(tells).map(str::to_string).collect()
}

/// Whether a match rule can find the record.
pub fn has_match_values(plan: &Plan, record: &RecordState) -> bool {
    !match_values(plan, record.ty, &record.slots).is_empty()
}

/// Whether all that is paired between two records is equal, and something is.
pub fn look_alike(plan: &Plan, now: Timestamp, a: &RecordState, b: &RecordState) -> bool {
    let mut alike = false;
    for (ix, described) in plan.ty(b.ty).props.iter().enumerate() {
        let prop = PropIx(ix as u16);
        let bearings = plan.ty(b.ty).bearings[ix]
            .iter()
            .filter(|bearing| bearing.other == a.ty && !bearing.reference && !bearing.fills);
        for bearing in bearings {
            let (theirs, mine) = (
                a.slot(bearing.theirs).value(plan.prop(a.ty, bearing.theirs).whole),
                b.slot(prop).value(described.whole),
            );
            if is_empty(theirs) && is_empty(mine) {
                continue;
            }
            let unconditional = Entity::unconditional(plan, vec![]);
            let (from, here) = ((a.ty, bearing.theirs), (b.ty, prop));
            match carried_to(plan, now, &unconditional, from, here, theirs) {
                Some(carried) if same(described.terms(), &carried, mine) => alike = true,
                _ => return false,
            }
        }
    }
    alike
}

//! Linking: which records stand for the same thing (L1–L7).
//!
//! Candidates come from match keys. A match is *clear* if it is the only one on both sides and
//! would not put two records of a type into one entity; clear matches are linked, all others go to
//! review with the candidates side by side. Nothing depends on the order in which records are
//! looked at: if several fit, none is preferred (L6).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lockstep_model::{EntityId, NumberSet, RecordId, RecordState, ReviewKind, Rule, TypeIx};

use crate::conditions::may_match;
use crate::facets;
use crate::keys::{agree, agree_alike, counterparts, lookup_hashes, match_hashes};
use crate::plan::{MatchSide, Plan, PlanCreate};
use crate::slice::Slice;

/// A link that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    pub a: RecordId,
    pub b: RecordId,
    /// The match rule that found it.
    pub rule: usize,
}

/// A match that a person must decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsettled {
    pub record: RecordId,
    /// The record type that it matches in.
    pub ty: TypeIx,
    pub kind: ReviewKind,
    pub candidates: Vec<RecordId>,
    pub message: String,
    /// The question is asked of another record of the same type, for both (L6).
    pub asked_of: Option<RecordId>,
    /// The candidates are records of its own type.
    pub alike: bool,
}

/// What linking found.
#[derive(Debug, Default)]
pub struct Links {
    pub made: Vec<Linked>,
    pub unsettled: Vec<Unsettled>,
    /// Entities that went into others: (gone, into).
    pub merged: Vec<(EntityId, EntityId)>,
    /// The records that have come into another entity by that.
    pub moved: Vec<(RecordId, EntityId)>,
    /// Entities with members whose own matches have not been looked at: nothing can be decided for
    /// them before that (L6, L8).
    pub half_seen: BTreeSet<EntityId>,
}

/// For each record and record type, who matches it there, and by which rule.
type Candidates = BTreeMap<(RecordId, TypeIx), BTreeMap<RecordId, usize>>;

/// Links what matches clearly. The slice is left with the links made.
pub fn link(plan: &Plan, slice: &mut Slice) -> Links {
    let mut links = Links::default();
    let focus = focus_members(slice);
    let (candidates, shared) = candidates(plan, slice, &focus);
    alike(plan, slice, &shared, &candidates, &mut links);
    if candidates.is_empty() {
        facets::link(plan, slice, &mut links, &focus);
        tell_half_seen(plan, slice, &focus, &mut links);
        return links;
    }
    let mut clear: Vec<Linked> = Vec::new();
    // Of a candidate's own candidates only their number counts here: who else matches those has not
    // been looked at.
    for ((id, ty), found) in candidates.iter().filter(|((id, _), _)| focus.contains(id)) {
        let record = &slice.records[id];
        if occupied(plan, slice, record, *ty) {
            // Only here because somebody else's match points at it.
            continue;
        }
        // Duplicates inside a system, by a section between the record type and itself: one question
        // for all of them (L6).
        if *ty == record.ty && !plan.ty(*ty).merges_duplicates {
            if found.keys().all(|other| id < other) {
                links.unsettled.push(Unsettled {
                    record: *id,
                    ty: *ty,
                    kind: ReviewKind::AmbiguousMatch,
                    candidates: found.keys().copied().collect(),
                    message: duplicates_message(plan, *ty, found),
                    asked_of: None,
                    alike: false,
                });
            }
            continue;
        }
        if merges(plan, record.ty, *ty) {
            clear.extend(found.iter().map(|(other, rule)| Linked {
                a: *id,
                b: *other,
                rule: *rule,
            }));
            continue;
        }
        if found.len() > 1 {
            links.unsettled.push(Unsettled {
                record: *id,
                ty: *ty,
                kind: ReviewKind::AmbiguousMatch,
                candidates: found.keys().copied().collect(),
                message: format!(
                    "{} records of {} match it; link one of them, or keep them apart",
                    found.len(),
                    plan.ty(*ty).name
                ),
                asked_of: None,
                alike: false,
            });
            continue;
        }
        let (&other, &rule) = found.iter().next().expect("candidates are never an empty list");
        let theirs = &slice.records[&other];
        if occupied(plan, slice, theirs, record.ty) {
            let holder = holder(slice, theirs.entity, record.ty);
            links.unsettled.push(Unsettled {
                record: *id,
                ty: *ty,
                kind: ReviewKind::DisputedEntity,
                candidates: std::iter::once(other).chain(holder).collect(),
                message: format!(
                    "{}/{} matches it, but is linked to another {} already",
                    plan.ty(*ty).name,
                    theirs.key,
                    plan.ty(record.ty).name
                ),
                asked_of: None,
                alike: false,
            });
            continue;
        }
        let rivals = candidates.get(&(other, record.ty)).map_or(0, BTreeMap::len);
        if rivals > 1 {
            links.unsettled.push(Unsettled {
                record: *id,
                ty: *ty,
                kind: ReviewKind::AmbiguousMatch,
                candidates: std::iter::once(other)
                    .chain(candidates[&(other, record.ty)].keys().copied().filter(|r| r != id))
                    .collect(),
                message: format!(
                    "{rivals} records of {} match {}/{}; link one of them, or keep them apart",
                    plan.ty(record.ty).name,
                    plan.ty(*ty).name,
                    theirs.key
                ),
                asked_of: None,
                alike: false,
            });
            continue;
        }
        if *id < other || !focus.contains(&other) || !candidates.contains_key(&(other, record.ty)) {
            clear.push(Linked { a: *id, b: other, rule });
        }
    }
    join(plan, slice, clear, &mut links);
    facets::link(plan, slice, &mut links, &focus);
    tell_half_seen(plan, slice, &focus, &mut links);
    links
}

/// Entities that were joined, and have members with matches that have not been looked at.
fn tell_half_seen(plan: &Plan, slice: &Slice, focus: &NumberSet<RecordId>, links: &mut Links) {
    for (_, into) in &links.merged {
        let half_seen = slice
            .members(*into)
            .iter()
            .filter(|id| !focus.contains(id))
            .map(|id| &slice.records[id])
            .any(|record| {
                let open = |side: &MatchSide| {
                    side.other != record.ty && !occupied(plan, slice, record, side.other)
                };
                record.is_live() && plan.ty(record.ty).match_sides.iter().any(open)
            });
        if half_seen {
            links.half_seen.insert(*into);
        }
    }
}

fn duplicates_message(plan: &Plan, ty: TypeIx, found: &BTreeMap<RecordId, usize>) -> String {
    let rule = found.values().next().map_or("", |rule| &plan.rules[*rule].text);
    let (count, name) = (found.len(), &plan.ty(ty).name);
    let others = if count == 1 {
        format!("another {name} matches")
    } else {
        format!("{count} other records of {name} match")
    };
    format!("{others} it by {rule}; link those that are one and the same, or keep them apart")
}

/// Whether the record's entity has another live record of this type already, where it may have only
/// one.
pub(crate) fn occupied(plan: &Plan, slice: &Slice, record: &RecordState, ty: TypeIx) -> bool {
    // A record does not stand in its own way: of its own type it may have duplicates (L6).
    let another = |holder: RecordId| holder != record.id;
    !plan.ty(ty).merges_duplicates && holder(slice, record.entity, ty).is_some_and(another)
}

fn holder(slice: &Slice, entity: EntityId, ty: TypeIx) -> Option<RecordId> {
    slice
        .members(entity)
        .iter()
        .copied()
        .find(|id| slice.records.get(id).is_some_and(|r| r.ty == ty && r.is_live()))
}

/// `duplicates: merge` between the two.
fn merges(plan: &Plan, a: TypeIx, b: TypeIx) -> bool {
    plan.ty(a).merges_duplicates && plan.ty(b).merges_duplicates
}

/// Who matches whom, and which records in focus are found under a hash with another of their own
/// type, in order: those may be alike (L6).
fn candidates(
    plan: &Plan,
    slice: &Slice,
    focus: &NumberSet<RecordId>,
) -> (Candidates, Vec<RecordId>) {
    let mut found = Candidates::new();
    let mut hashes = Vec::new();
    let mut shared: Vec<RecordId> = Vec::new();
    let of_type =
        |id: &RecordId, ty: TypeIx| slice.records.get(id).is_some_and(|record| record.ty == ty);
    let mut look = |record: &RecordState, found: &mut Candidates| {
        let mut others = Vec::new();
        for side in &plan.ty(record.ty).match_sides {
            // A look-up only where no link is: once linked, match values are never consulted again
            // (L4).
            if occupied(plan, slice, record, side.other) {
                continue;
            }
            hashes.clear();
            let linked = |record: &RecordState, one, ty| counterparts(plan, slice, record, one, ty);
            lookup_hashes(plan, side, record, &linked, &mut hashes);
            // What is looked for by references (L10) is not what the record itself is found under.
            let mut together = hashes
                .iter()
                .filter_map(|hash| slice.by_hash.get(hash))
                .filter(|ids| ids.len() > 1);
            if shared.last() != Some(&record.id)
                && (side.has_references()
                    || together
                        .any(|ids| ids.iter().any(|id| *id != record.id && of_type(id, record.ty))))
            {
                shared.push(record.id);
            }
            for id in hashes.iter().filter_map(|hash| slice.by_hash.get(hash)).flatten() {
                let Some(other) = slice.records.get(id) else { continue };
                if other.ty != side.other
                    || !other.is_live()
                    || other.entity == record.entity
                    || *id == record.id
                {
                    continue;
                }
                if kept_apart(slice, record.entity, other.entity)
                    || !agree(plan, slice, side.rule, record, other)
                {
                    continue;
                }
                if !may_match(plan, side.rule, record, other) {
                    continue;
                }
                found.entry((record.id, side.other)).or_default().entry(*id).or_insert(side.rule);
                others.push(*id);
            }
            // L6: what would be merged by way of a counterpart is merged before there is one, or
            // each would get its own.
            if merges(plan, record.ty, side.other) {
                for id in hashes.iter().filter_map(|hash| slice.by_hash.get(hash)).flatten() {
                    let Some(like) =
                        slice.records.get(id).filter(|like| like.ty == record.ty && like.is_live())
                    else {
                        continue;
                    };
                    let new = like.entity != record.entity
                        && !kept_apart(slice, record.entity, like.entity);
                    if new && agree_alike(plan, side, record, like) {
                        found
                            .entry((record.id, record.ty))
                            .or_default()
                            .entry(*id)
                            .or_insert(side.rule);
                        others.push(*id);
                    }
                }
            }
        }
        others
    };
    let mut theirs = Vec::new();
    let mut seen: NumberSet<RecordId> = NumberSet::default();
    seen.reserve(focus.len());
    // In the order in which they lie in memory.
    let mut in_order: Vec<RecordId> = focus.iter().copied().collect();
    in_order.sort_unstable();
    for id in in_order {
        if let Some(record) = slice.records.get(&id).filter(|record| record.is_live())
            && seen.insert(id)
        {
            theirs.extend(look(record, &mut found));
        }
    }
    // The candidates' own candidates: a match is clear only if it is so from both sides.
    for id in theirs {
        if seen.insert(id) {
            look(&slice.records[&id], &mut found);
        }
    }
    shared.retain(|id| focus.contains(id));
    (found, shared)
}

/// L6: records of one type that match each other by a row, and have no counterpart: a counterpart
/// for each might be one too many. They are one question, asked of the one that was known first.
/// The others wait for the answer.
///
/// `shared` are those that are found under a hash with another of their type, in order.
fn alike(
    plan: &Plan,
    slice: &Slice,
    shared: &[RecordId],
    candidates: &Candidates,
    links: &mut Links,
) {
    let mut hashes = Vec::new();
    for &id in shared {
        let Some(record) = slice.records.get(&id).filter(|record| record.is_live()) else {
            continue;
        };
        let ty = plan.ty(record.ty);
        if ty.merges_duplicates {
            continue;
        }
        for side in &ty.match_sides {
            let creates = ty.flows_out.iter().map(|flow| &plan.flows[flow.at()]).any(|flow| {
                flow.to == side.other
                    && flow.create != PlanCreate::Never
                    && !flow.separates_duplicates
            });
            if !creates
                || side.other == record.ty
                || candidates.contains_key(&(id, side.other))
                || holder_or_gone(slice, record.entity, side.other)
            {
                continue;
            }
            hashes.clear();
            match_hashes(plan, side, record, &mut hashes);
            // Mostly nobody but the record itself is found there.
            let mut others: BTreeSet<RecordId> = BTreeSet::new();
            for other in hashes
                .iter()
                .filter_map(|hash| slice.by_hash.get(hash))
                .filter(|ids| ids.len() > 1)
                .flatten()
            {
                let Some(other) = slice
                    .records
                    .get(other)
                    .filter(|other| other.id != id && other.ty == record.ty)
                else {
                    continue;
                };
                if other.is_live()
                    && other.entity != record.entity
                    && !candidates.contains_key(&(other.id, side.other))
                    && !holder_or_gone(slice, other.entity, side.other)
                    && !kept_apart(slice, record.entity, other.entity)
                    && agree_alike(plan, side, record, other)
                {
                    others.insert(other.id);
                }
            }
            if others.is_empty() {
                continue;
            }
            let (mine, theirs) = (&ty.name, &plan.ty(side.other).name);
            let first = others.first().copied().filter(|first| *first < id);
            links.unsettled.push(Unsettled {
                record: id,
                ty: side.other,
                kind: ReviewKind::AmbiguousMatch,
                message: format!(
                    "{} records of {mine} match each other by `{}` and have no counterpart in {theirs}: keep them apart to create one for \
                     each, or make them one in {}; `duplicates: separate` or `merge` on the flow answers this for all",
                    others.len() + 1,
                    plan.rules[side.rule].text,
                    mine.system,
                ),
                candidates: others.into_iter().collect(),
                asked_of: first,
                alike: true,
            });
        }
    }
}

/// Whether the entity has, or had, a record of this type: then no counterpart is made there, or it
/// was made before.
fn holder_or_gone(slice: &Slice, entity: EntityId, ty: TypeIx) -> bool {
    slice
        .members(entity)
        .iter()
        .any(|id| slice.records.get(id).is_some_and(|record| record.ty == ty))
}

/// The records of the entities in focus.
fn focus_members(slice: &Slice) -> NumberSet<RecordId> {
    let mut all = NumberSet::default();
    all.reserve(slice.focus.len());
    // The other facets of what is in focus are looked at with it: one of them may bring the link
    // (F2).
    for id in slice.focus.iter().chain(&slice.beside) {
        if let Some(record) = slice.records.get(id) {
            all.extend(slice.members(record.entity));
        }
    }
    all
}

/// L7: what a person unlinked is not linked again by a rule.
pub(crate) fn kept_apart(slice: &Slice, a: EntityId, b: EntityId) -> bool {
    !slice.apart.is_empty()
        && slice
            .members(a)
            .iter()
            .any(|x| slice.members(b).iter().any(|y| slice.apart.contains(&(*x, *y))))
}

/// L5, L6: joins what clear matches connect, unless that would put two records of a type into one
/// entity.
pub(crate) fn join(plan: &Plan, slice: &mut Slice, clear: Vec<Linked>, links: &mut Links) {
    let mut parent: HashMap<EntityId, EntityId> = HashMap::new();
    fn find(parent: &mut HashMap<EntityId, EntityId>, x: EntityId) -> EntityId {
        let mut x = x;
        loop {
            let up = *parent.entry(x).or_insert(x);
            if up == x {
                return x;
            }
            let above = *parent.entry(up).or_insert(up);
            parent.insert(x, above);
            x = above;
        }
    }
    for linked in &clear {
        let (a, b) = (slice.records[&linked.a].entity, slice.records[&linked.b].entity);
        let (a, b) = (find(&mut parent, a), find(&mut parent, b));
        // The older number stays, so that the outcome does not depend on the order.
        parent.insert(a.max(b), a.min(b));
    }
    let mut groups: BTreeMap<EntityId, Vec<Linked>> = BTreeMap::new();
    for linked in clear {
        let root = find(&mut parent, slice.records[&linked.a].entity);
        groups.entry(root).or_default().push(linked);
    }
    for (root, group) in groups {
        let entities: BTreeSet<EntityId> = group
            .iter()
            .flat_map(|l| [slice.records[&l.a].entity, slice.records[&l.b].entity])
            .collect();
        let mut types: HashMap<TypeIx, RecordId> = HashMap::new();
        let mut clash = None;
        for id in entities.iter().flat_map(|entity| slice.members(*entity)) {
            let record = &slice.records[id];
            if record.is_live()
                && !plan.ty(record.ty).merges_duplicates
                && types.insert(record.ty, *id).is_some()
            {
                clash = Some(record.ty);
            }
        }
        let apart =
            entities.iter().any(|a| entities.iter().any(|b| a < b && kept_apart(slice, *a, *b)));
        if clash.is_some() || apart {
            let why = match clash {
                Some(ty) => format!(
                    "linking it would put two records of {} into one entity",
                    plan.ty(ty).name
                ),
                None => "linking it would join records that a person keeps apart".into(),
            };
            for linked in group {
                for (me, other) in [(linked.a, linked.b), (linked.b, linked.a)] {
                    links.unsettled.push(Unsettled {
                        record: me,
                        ty: slice.records[&other].ty,
                        kind: ReviewKind::DisputedEntity,
                        candidates: vec![other],
                        message: why.clone(),
                        asked_of: None,
                        alike: false,
                    });
                }
            }
            continue;
        }
        let others: Vec<EntityId> = entities.into_iter().filter(|entity| *entity != root).collect();
        links.merged.extend(others.iter().map(|gone| (*gone, root)));
        links
            .moved
            .extend(others.iter().flat_map(|gone| slice.members(*gone)).map(|id| (*id, root)));
        slice.merge(root, &others);
        links.made.extend(group);
    }
}

impl Unsettled {
    /// The rule that is in the way.
    pub fn rule(&self) -> Rule {
        Rule::L6
    }
}

//! What `lockstep.yaml` has to say of a system for flows to run that stand in documents: by which
//! property an element is told from the others of its list, and what references refer to.
//!
//! A document says neither. Of elements it follows from the row by which they are matched; what a
//! reference refers to is guessed by its name, and where no record type is called so, a line to
//! fill in is written.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use lockstep_model::flow::PropertyRef;
use lockstep_model::{Create, Flow, TypeName};

use crate::names::squeezed;
use crate::row_lists::list_of_kind as list_of;
use crate::write::in_flow;

/// The element's record, as rows name it.
const PARENT: &str = "$parent";

/// The properties that tell an element of a list from the others.
type Key = Vec<String>;

/// Writes `elements` and `references` of a system, where flows need them.
pub(crate) fn write(text: &mut String, system: &str, flows: &[Flow]) {
    let kinds = kinds(system, flows);
    let mut lists: BTreeMap<&str, Vec<(&str, Option<Key>)>> = BTreeMap::new();
    for kind in &kinds {
        // What the flow says itself needs not be said again.
        if let (Some((of, list)), None) =
            (list_of(kind), has_key(system, kind, flows).then_some(()))
        {
            lists.entry(of).or_default().push((list, matched(system, kind, flows)));
        }
    }
    nested(text, "elements", &lists, |list, id| match id {
        Some(id) => {
            let id: Vec<String> = id.iter().map(|id| in_flow(id)).collect();
            match &id[..] {
                [one] => format!("{}: {{ id: {one} }}", in_flow(list)),
                several => format!("{}: {{ id: [{}] }}", in_flow(list), several.join(", ")),
            }
        }
        None => format!("{}: {{ id: PROPERTY }}", in_flow(list)),
    });
    let followed = followed(system, flows, &kinds);
    let mut references: BTreeMap<&str, Vec<(&str, Option<String>)>> = BTreeMap::new();
    for ((kind, path), to) in &followed {
        references.entry(kind).or_default().push((path, to.clone()));
    }
    nested(text, "references", &references, |path, to| {
        format!("{}: {}", in_flow(path), in_flow(to.as_deref().unwrap_or("RECORD TYPE")))
    });
}

/// A setting of two levels, `{ Orders: { lines: … } }`; as a comment, where something is not known.
fn nested<T: Clone>(
    text: &mut String,
    key: &str,
    all: &BTreeMap<&str, Vec<(&str, Option<T>)>>,
    item: impl Fn(&str, Option<T>) -> String,
) {
    if all.is_empty() {
        return;
    }
    let is_known = |of: &Vec<(&str, Option<T>)>| of.iter().all(|(_, known)| known.is_some());
    let known = all.values().all(is_known);
    if !known {
        let _ =
            writeln!(text, "    # fill in what is written in capitals, and take the signs away");
    }
    let sign = if known { "    " } else { "    # " };
    let _ = writeln!(text, "{sign}{key}:");
    for (of, items) in all {
        let items: Vec<String> =
            items.iter().map(|(name, known)| item(name, known.clone())).collect();
        let _ = writeln!(text, "{sign}  {}: {{ {} }}", in_flow(of), items.join(", "));
    }
}

/// The record types of a system that flows name.
fn kinds(system: &str, flows: &[Flow]) -> BTreeSet<String> {
    let connected = flows.iter().flat_map(|flow| match &flow.create {
        Create::ConnectedTo(types) => types.as_slice(),
        _ => &[],
    });
    let ends = flows.iter().flat_map(|flow| [&flow.from, &flow.to]).chain(connected);
    ends.filter(|ty| ty.system == system).map(|ty| ty.kind.clone()).collect()
}

/// The flows' ends that are this record type, each with which side it is.
fn ends<'a>(system: &str, kind: &str, flows: &'a [Flow]) -> Vec<(&'a Flow, bool)> {
    let is = |ty: &TypeName| ty.system == system && ty.kind == kind;
    let of = |flow: &'a Flow| {
        let sides = [(is(&flow.from), false), (is(&flow.to), true)];
        sides.into_iter().filter(|(is, _)| *is).map(move |(_, second)| (flow, second))
    };
    flows.iter().flat_map(of).collect()
}

/// Whether a flow says by `key` what tells an element from the others.
fn has_key(system: &str, kind: &str, flows: &[Flow]) -> bool {
    ends(system, kind, flows).into_iter().any(|(flow, _)| !flow.key.is_empty())
}

/// What is compared beside the element's record, where elements are matched.
fn matched(system: &str, kind: &str, flows: &[Flow]) -> Option<Vec<String>> {
    let mut found = None;
    for (flow, second) in ends(system, kind, flows) {
        for row in &flow.matches {
            let side = |(from, to): &(PropertyRef, PropertyRef)| {
                (if second { to } else { from }).path.to_string()
            };
            let all: Vec<String> = row.pairs.iter().map(side).collect();
            let others: Vec<String> = all.iter().filter(|path| *path != PARENT).cloned().collect();
            if !others.is_empty() && others.len() + 1 == all.len() {
                found = found.or(Some(others));
            }
        }
    }
    found
}

/// The references that rows follow, by record type and path, with what they refer to.
fn followed<'a>(
    system: &str,
    flows: &'a [Flow],
    kinds: &BTreeSet<String>,
) -> BTreeMap<(String, String), Option<String>> {
    let mut found = BTreeMap::new();
    let rows = flows.iter().flat_map(|flow: &'a Flow| {
        let sides = |pair: &'a lockstep_model::PropertyPair| {
            [(&flow.from, &pair.from), (&flow.to, &pair.to)]
        };
        flow.properties.iter().flat_map(sides)
    });
    for (ty, named) in rows.filter(|(ty, named)| ty.system == system && named.is_followed()) {
        let mut at = Some(ty.kind.clone());
        for reference in &named.via {
            let Some(kind) = at.take() else { break };
            let to = called_so(reference.as_str(), kinds);
            at.clone_from(&to);
            found.insert((kind, reference.to_string()), to);
        }
    }
    found
}

/// The record type that a reference is called after: `company`, `company_id` and `companyId` of
/// `Companies`.
fn called_so(reference: &str, kinds: &BTreeSet<String>) -> Option<String> {
    let steps = reference.rsplit('.').find(|step| !step.eq_ignore_ascii_case("id"))?;
    let name = squeezed(steps);
    let bare = name.strip_suffix("id").unwrap_or(&name);
    let is = |kind: &&String| [&name[..], bare].iter().any(|name| singular(kind) == singular(name));
    kinds.iter().find(is).cloned()
}

fn singular(name: &str) -> String {
    let name = squeezed(name);
    match name.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => name
            .strip_suffix('s')
            .filter(|stem| !stem.ends_with('s'))
            .map_or(name.clone(), str::to_string),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Names, SystemNames, read_flows, united_flows};

    fn said(system: &str, flows: &str) -> String {
        let named = |name: &str| SystemNames { name: name.into(), ..SystemNames::default() };
        let names = Names::new(["crm", "shop"].map(named).into());
        let (file, problems) = read_flows("a.yaml", flows, &names);
        assert!(problems.is_empty(), "{}", crate::render_all(&problems));
        let (flows, _) = united_flows(std::iter::once(&file));
        let mut text = String::new();
        write(&mut text, system, &flows);
        text
    }

    const FLOWS: &str = "\
flows:
  - from: crm.Orders[lines]
    to: shop.Orders[items]
    match: [$parent = $parent and line_no = pos]
    properties: [$parent <-> $parent, customer > name -> buyer]
  - from: crm.Orders[lines][serials]
    to: shop.Orders[serials]
    key: nr = nr
    match: [$parent = $parent and nr = nr]
    properties: [nr <-> nr]
  - from: crm.Customers
    to: shop.People
    properties: [company_id > owner > mail -> boss, fax <- branch.country > code]
  - { from: crm.Companies, to: shop.Countries, create: { when_connected_to: [crm.Owners] }, properties: [] }
";

    #[test]
    fn what_flows_need_to_be_known_of_lists_and_references_is_written() {
        assert_eq!(
            said("crm", FLOWS),
            "    elements:
      Orders: { lines: { id: line_no } }
    references:
      Companies: { owner: Owners }
      Customers: { company_id: Companies }
      \"Orders[lines]\": { customer: Customers }
"
        );
        assert_eq!(
            said("shop", FLOWS),
            "    elements:
      Orders: { items: { id: pos } }
    references:
      People: { branch.country: Countries }
"
        );
    }

    #[test]
    fn what_is_not_known_is_left_to_be_filled_in() {
        let flows = "flows: [{ from: \"crm.Orders[lines]\", to: shop.Rows, properties: [maker > name -> name] }]";
        assert_eq!(
            said("crm", flows),
            "    # fill in what is written in capitals, and take the signs away
    # elements:
    #   Orders: { lines: { id: PROPERTY } }
    # fill in what is written in capitals, and take the signs away
    # references:
    #   \"Orders[lines]\": { maker: RECORD TYPE }
"
        );
        assert_eq!(said("shop", flows), "");
    }
}

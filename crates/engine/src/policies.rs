//! P1: where a policy holds. Properties that are kept equal both ways end equal only if all of them
//! go by the same order of claims: the policy of one row is that of all of them, however many rows
//! lie between. What takes values from them one way takes those that win there.
//!
//! ```text
//! crm ◀─ prefer: [shop] ─▶ shop ◀───▶ arc        all three prefer the shop
//! crm ◀─ prefer: [shop] ─▶ shop ────▶ arc        arc takes what wins in crm and shop, and has edits of its own
//! ```

use std::collections::{BTreeMap, BTreeSet};

use lockstep_model::TypeIx;
use lockstep_model::flow::Policy;

use crate::bears::Node;

/// The policies other than the latest edit, each with the properties that share it.
#[derive(Debug, Default)]
pub(crate) struct Policies {
    policies: Vec<Policy>,
    of: BTreeMap<Node, u16>,
}

impl Policies {
    /// `told` has what rows say of their properties; `both_ways` are the pairs that are kept equal
    /// both ways, in the order of the rows.
    pub fn new(told: &BTreeMap<Node, Policy>, both_ways: impl Iterator<Item = [Node; 2]>) -> Self {
        let mut all = Policies::default();
        if told.is_empty() {
            return all;
        }
        let pairs: Vec<[Node; 2]> = both_ways.collect();
        let mut left: BTreeMap<&Node, &Policy> = told.iter().collect();
        for class in classes(pairs.iter().copied()) {
            let types: BTreeSet<TypeIx> = class.iter().map(|(ty, _)| *ty).collect();
            // Where a way leads back to another property of a record type, the two may differ
            // (P1a): there a row speaks of its own two properties alone.
            if types.len() == class.len()
                && let Some(policy) = first_told(told, &class, &pairs)
            {
                all.add(policy, class.iter().copied());
                class.iter().for_each(|node| _ = left.remove(node));
            }
        }
        let alike = |[a, b]: &&[Node; 2]| left.contains_key(a) && left.get(a) == left.get(b);
        for class in classes(pairs.iter().filter(alike).copied()) {
            all.add(told[&class[0]].clone(), class.iter().copied());
        }
        for (node, policy) in left {
            if !all.of.contains_key(node) {
                all.add(policy.clone(), std::iter::once(*node));
            }
        }
        all
    }

    fn add(&mut self, policy: Policy, nodes: impl Iterator<Item = Node>) {
        let at = self.policies.len() as u16;
        self.of.extend(nodes.map(|node| (node, at)));
        self.policies.push(policy);
    }

    /// Each property with its policy.
    pub fn each(&self) -> impl Iterator<Item = (Node, &Policy)> {
        self.of.iter().map(|(node, at)| (*node, self.policy(*at)))
    }

    pub fn policy(&self, at: u16) -> &Policy {
        &self.policies[usize::from(at)]
    }

    /// Which of them a value passes that comes to `mine` by way of these properties.
    pub fn along(&self, mine: Node, way: impl Iterator<Item = Node>) -> Vec<u16> {
        if self.policies.is_empty() {
            return vec![];
        }
        let own = self.of.get(&mine);
        let mut passed: Vec<u16> = way
            .filter_map(|node| self.of.get(&node))
            .filter(|at| own != Some(at))
            .copied()
            .collect();
        passed.dedup();
        passed
    }
}

/// What the first row says that says anything of these.
fn first_told(
    told: &BTreeMap<Node, Policy>,
    class: &[Node],
    pairs: &[[Node; 2]],
) -> Option<Policy> {
    let in_order = pairs.iter().flatten().filter(|node| class.contains(node));
    in_order.filter_map(|node| told.get(node)).next().cloned()
}

/// The properties that pairs connect.
fn classes(pairs: impl Iterator<Item = [Node; 2]>) -> Vec<Vec<Node>> {
    let mut neighbours: BTreeMap<Node, Vec<Node>> = BTreeMap::new();
    for [a, b] in pairs {
        neighbours.entry(a).or_default().push(b);
        neighbours.entry(b).or_default().push(a);
    }
    let (mut seen, mut found) = (BTreeSet::new(), Vec::new());
    for start in neighbours.keys().copied() {
        let (mut class, mut open) = (Vec::new(), vec![start]);
        while let Some(node) = open.pop() {
            if seen.insert(node) {
                class.push(node);
                open.extend(&neighbours[&node]);
            }
        }
        if !class.is_empty() {
            found.push(class);
        }
    }
    found
}

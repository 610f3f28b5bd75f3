//! P0: what bears on what. Compiled once from the graph of all property pairs of all flows.
//!
//! For each two record types that can meet in an entity, the properties that are *mutually nearest* bear on each other: fewest pairs
//! between them, by ways that touch no other property of either type. A direct pair so rules out every detour, and where nothing is
//! paired directly, values travel on. The executable model of the design (`claims.py`, function `bears`) is the reference; the
//! tests hold this file against a thousand of its worlds.

use std::collections::{BTreeMap, HashMap};

use lockstep_model::{PropIx, TypeIx};

/// A property of a record type.
pub type Node = (TypeIx, PropIx);

/// One pair of the graph: two properties, the row's place in its flow, and which pair of the plan it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    pub from: Node,
    pub to: Node,
    pub row: usize,
    pub pair: usize,
}

/// One step along a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub pair: usize,
    /// Walked from the flow's source to its target.
    pub forward: bool,
}

/// Two properties that bear on each other, with the way from mine to theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    pub mine: PropIx,
    pub theirs: PropIx,
    /// The rows' places along the way; what the order of relations goes by.
    rows: Vec<usize>,
    pub way: Vec<Step>,
}

/// All relations, by (mine, theirs) record type, in the order of the rows.
pub type Relations = BTreeMap<(TypeIx, TypeIx), Vec<Related>>;

/// The rows' places and the steps that lead to a property.
type Way = (Vec<usize>, Vec<Step>);

/// Which properties bear on which. `name` gives a property's path, by which relations of equal ways are ordered.
pub fn bears<'a>(types: usize, edges: &[Edge], name: impl Fn(Node) -> &'a str) -> Relations {
    let mut graph: HashMap<Node, Vec<(Node, usize, Step)>> = HashMap::new();
    for edge in edges {
        graph.entry(edge.from).or_default().push((edge.to, edge.row, Step { pair: edge.pair, forward: true }));
        graph.entry(edge.to).or_default().push((edge.from, edge.row, Step { pair: edge.pair, forward: false }));
    }
    let mut nodes: Vec<Node> = graph.keys().copied().collect();
    nodes.sort();

    let nearest: HashMap<Node, HashMap<TypeIx, HashMap<Node, Way>>> =
        nodes.iter().map(|node| (*node, nearest_from(&graph, *node))).collect();
    let mut relations = Relations::new();
    for mine in (0..types as u16).map(TypeIx) {
        let first = nodes.partition_point(|node| node.0 < mine);
        let own = &nodes[first..first + nodes[first..].partition_point(|node| node.0 == mine)];
        for theirs in (0..types as u16).map(TypeIx) {
            if mine == theirs {
                continue;
            }
            let mut rows = Vec::new();
            for &node in own {
                for (other, (places, way)) in nearest[&node].get(&theirs).into_iter().flatten() {
                    if nearest[other].get(&mine).is_some_and(|back| back.contains_key(&node)) {
                        rows.push(Related { mine: node.1, theirs: other.1, rows: places.clone(), way: way.clone() });
                    }
                }
            }
            rows.sort_by(|a, b| {
                let names = |r: &Related| (name((mine, r.mine)), name((theirs, r.theirs)));
                (&a.rows, names(a)).cmp(&(&b.rows, names(b)))
            });
            if !rows.is_empty() {
                relations.insert((mine, theirs), rows);
            }
        }
    }
    relations
}

/// For each record type the properties that are nearest to `start`, with the way to each. Breadth first; a way never comes back to the
/// type it started in. Of a record type only those count that are met at once: a longer way to another one would have touched them.
fn nearest_from(graph: &HashMap<Node, Vec<(Node, usize, Step)>>, start: Node) -> HashMap<TypeIx, HashMap<Node, Way>> {
    let mut found: HashMap<TypeIx, HashMap<Node, Way>> = HashMap::new();
    let mut seen: HashMap<Node, Way> = HashMap::from([(start, (vec![], vec![]))]);
    let mut level = vec![start];
    while !level.is_empty() {
        let mut following = Vec::new();
        for node in &level {
            let (rows, way) = seen[node].clone();
            for (other, row, step) in graph.get(node).into_iter().flatten() {
                if !seen.contains_key(other) && other.0 != start.0 {
                    let (mut rows, mut way) = (rows.clone(), way.clone());
                    rows.push(*row);
                    way.push(*step);
                    seen.insert(*other, (rows, way));
                    following.push(*other);
                }
            }
        }
        let fresh: Vec<Node> = following.iter().filter(|node| !found.contains_key(&node.0)).copied().collect();
        for node in fresh {
            found.entry(node.0).or_default().insert(node, seen[&node].clone());
        }
        level = following;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(from: (u16, u16), to: (u16, u16), row: usize) -> Edge {
        Edge { from: (TypeIx(from.0), PropIx(from.1)), to: (TypeIx(to.0), PropIx(to.1)), row, pair: row }
    }

    #[test]
    fn a_direct_pair_rules_out_every_detour() {
        // P0: street (0) and postal (1) city are paired between types 0 and 1; type 2 has one lone city, paired with both of type 0.
        let edges = [edge((0, 0), (1, 0), 0), edge((0, 1), (1, 1), 1), edge((0, 0), (2, 0), 0), edge((0, 1), (2, 0), 1)];
        let related = bears(3, &edges, |_| "p");
        let between = |a: u16, b: u16| -> Vec<(u16, u16)> {
            related[&(TypeIx(a), TypeIx(b))].iter().map(|r| (r.mine.0, r.theirs.0)).collect()
        };
        assert_eq!(between(0, 1), [(0, 0), (1, 1)]);
        // Values travel on from type 1 to type 2, by way of type 0.
        assert_eq!(between(1, 2), [(0, 0), (1, 0)]);
    }
}

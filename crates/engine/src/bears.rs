//! P0: what bears on what. Compiled once from the graph of all property pairs of all flows.
//!
//! For each two record types that can meet in an entity, the properties that are *mutually nearest*
//! bear on each other: fewest pairs between them, by ways that touch no other property of either
//! type. A direct pair so rules out every detour, and where nothing is paired directly, values
//! travel on. The executable model (`tools/model/claims.py`, function `bears`) is the reference;
//! the tests hold this file against a thousand of its worlds.

use std::collections::BTreeMap;

use lockstep_model::{PropIx, TypeIx};

/// A property of a record type.
pub type Node = (TypeIx, PropIx);

/// One pair of the graph: two properties, the row's place in its flow, and which pair of the plan
/// it is.
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

/// Which properties bear on which. `name` gives a property's path, by which relations of equal ways
/// are ordered.
///
/// Breadth first from every property, twice: first which are nearest, then the ways to those that
/// are so mutually. Of the ways nothing is kept but these: in a plan of hundreds of flows a
/// property such as an e-mail address is connected with a thousand others.
pub fn bears<'a>(edges: &[Edge], name: impl Fn(Node) -> &'a str) -> Relations {
    let mut nodes: Vec<Node> = edges.iter().flat_map(|edge| [edge.from, edge.to]).collect();
    nodes.sort_unstable();
    nodes.dedup();
    debug_assert!(nodes.is_sorted_by(|a, b| a < b), "nodes are looked up by halves");
    let at = |node: &Node| nodes.binary_search(node).expect("every end of an edge is a node");
    let mut graph: Vec<Vec<Hop>> = vec![vec![]; nodes.len()];
    for edge in edges {
        let (from, to) = (at(&edge.from), at(&edge.to));
        graph[from].push(Hop { to, row: edge.row, step: Step { pair: edge.pair, forward: true } });
        graph[to].push(Hop {
            to: from,
            row: edge.row,
            step: Step { pair: edge.pair, forward: false },
        });
    }
    let mut search = Search::new(&nodes, &graph);
    let nearest: Vec<Vec<usize>> = (0..nodes.len())
        .map(|start| {
            let mut found = search.nearest(start);
            found.sort_unstable();
            found
        })
        .collect();
    debug_assert!(nearest.iter().all(|found| found.is_sorted()), "looked up by halves");
    let mut relations = Relations::new();
    for (start, node) in nodes.iter().enumerate() {
        let mutual = |other: &usize| nearest[*other].binary_search(&start).is_ok();
        if !nearest[start].iter().any(mutual) {
            continue;
        }
        search.nearest(start);
        for other in nearest[start].iter().copied().filter(mutual) {
            let (rows, way) = search.way_to(start, other);
            let related = Related { mine: node.1, theirs: nodes[other].1, rows, way };
            relations.entry((node.0, nodes[other].0)).or_default().push(related);
        }
    }
    for ((mine, theirs), related) in &mut relations {
        related.sort_by(|a, b| {
            let names = |r: &Related| (name((*mine, r.mine)), name((*theirs, r.theirs)));
            (&a.rows, names(a)).cmp(&(&b.rows, names(b)))
        });
    }
    relations
}

/// From a property to another by one row.
#[derive(Clone, Copy)]
struct Hop {
    to: usize,
    row: usize,
    step: Step,
}

/// A search from one property, with room that the next one uses again.
struct Search<'a> {
    nodes: &'a [Node],
    graph: &'a [Vec<Hop>],
    /// By which search each property was reached last, from where, and by which row.
    reached: Vec<(usize, usize, Option<Hop>)>,
    /// By which search each record type was met last.
    met: Vec<usize>,
    searches: usize,
}

impl<'a> Search<'a> {
    fn new(nodes: &'a [Node], graph: &'a [Vec<Hop>]) -> Self {
        let types = nodes.last().map_or(0, |node| node.0.at() + 1);
        Search {
            nodes,
            graph,
            reached: vec![(0, 0, None); nodes.len()],
            met: vec![0; types],
            searches: 0,
        }
    }

    /// Of each record type the properties that are nearest to `start`. A way never comes back to
    /// the type it started in. Of a record type only those count that are met at once: a longer way
    /// to another one would have touched them.
    fn nearest(&mut self, start: usize) -> Vec<usize> {
        self.searches += 1;
        let search = self.searches;
        let mut found = Vec::new();
        self.reached[start] = (search, start, None);
        let mut level = vec![start];
        while !level.is_empty() {
            let mut following = Vec::new();
            for node in level {
                for hop in &self.graph[node] {
                    if self.reached[hop.to].0 != search
                        && self.nodes[hop.to].0 != self.nodes[start].0
                    {
                        self.reached[hop.to] = (search, node, Some(*hop));
                        following.push(hop.to);
                    }
                }
            }
            found.extend(
                following
                    .iter()
                    .copied()
                    .filter(|node| self.met[self.nodes[*node].0.at()] != search),
            );
            following.iter().for_each(|node| self.met[self.nodes[*node].0.at()] = search);
            level = following;
        }
        found
    }

    /// The rows and the steps by which the last search came to a property.
    fn way_to(&self, start: usize, end: usize) -> (Vec<usize>, Vec<Step>) {
        let (mut rows, mut way, mut at) = (vec![], vec![], end);
        while at != start {
            let (_, before, hop) = self.reached[at];
            let Some(hop) = hop else { break };
            rows.push(hop.row);
            way.push(hop.step);
            at = before;
        }
        rows.reverse();
        way.reverse();
        (rows, way)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(from: (u16, u16), to: (u16, u16), row: usize) -> Edge {
        Edge {
            from: (TypeIx(from.0), PropIx(from.1)),
            to: (TypeIx(to.0), PropIx(to.1)),
            row,
            pair: row,
        }
    }

    #[test]
    fn a_direct_pair_rules_out_every_detour() {
        // P0: street (0) and postal (1) city are paired between types 0 and 1; type 2 has one lone
        // city, paired with both of type 0.
        let edges = [
            edge((0, 0), (1, 0), 0),
            edge((0, 1), (1, 1), 1),
            edge((0, 0), (2, 0), 0),
            edge((0, 1), (2, 0), 1),
        ];
        let related = bears(&edges, |_| "p");
        let between = |a: u16, b: u16| -> Vec<(u16, u16)> {
            related[&(TypeIx(a), TypeIx(b))].iter().map(|r| (r.mine.0, r.theirs.0)).collect()
        };
        assert_eq!(between(0, 1), [(0, 0), (1, 1)]);
        // Values travel on from type 1 to type 2, by way of type 0.
        assert_eq!(between(1, 2), [(0, 0), (1, 0)]);
    }
}

//! P1c: blocks. Where several properties of one record type are each paired with several of another
//! (mailing and other address, each with billing and shipping), the n-th of one side belongs to the
//! n-th of the other; the remaining rows only fill what is empty at the first link.
//!
//! ```text
//! mailing ─── billing        mailing ═══ billing     ═══ kept equal
//!        ╲ ╱          →             ╲ ╱
//!        ╱ ╲                        ╱ ╲              ─── fills at the first link
//! other ───── shipping       other ═════ shipping
//! ```

use std::collections::HashMap;
use std::hash::Hash;

/// For each row between two record types, in order: whether it only fills what is empty at the
/// first link. A repeated row is like the first one. A property paired with several that are paired
/// with nothing else is no block (P1a).
pub fn fill_rows<A: Eq + Hash, B: Eq + Hash>(rows: &[(A, B)]) -> Vec<bool> {
    let (mut left, mut right) = (HashMap::new(), HashMap::new());
    let ends: Vec<(usize, usize)> =
        rows.iter().map(|(a, b)| (number(&mut left, a), number(&mut right, b))).collect();
    let components = components(&ends, left.len(), right.len());
    let mut fills = vec![false; rows.len()];
    for component in components {
        let mut mine: Vec<usize> = component.iter().map(|row| ends[*row].0).collect();
        let mut theirs: Vec<usize> = component.iter().map(|row| ends[*row].1).collect();
        // Numbers rise in the order in which the properties are first named.
        for side in [&mut mine, &mut theirs] {
            side.sort_unstable();
            side.dedup();
        }
        if mine.len() < 2 || theirs.len() < 2 {
            continue;
        }
        let belongs =
            belongs(&mine, &theirs, |a, b| component.iter().any(|row| ends[*row] == (a, b)));
        for row in component {
            fills[row] = !belongs.contains(&ends[row]);
        }
    }
    fills
}

fn number<'a, T: Eq + Hash>(known: &mut HashMap<&'a T, usize>, one: &'a T) -> usize {
    let next = known.len();
    *known.entry(one).or_insert(next)
}

/// Which belong together: the n-th with the n-th where a row says so, else with the first that is
/// still free.
fn belongs(
    mine: &[usize],
    theirs: &[usize],
    row: impl Fn(usize, usize) -> bool,
) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> =
        mine.iter().copied().zip(theirs.iter().copied()).filter(|(a, b)| row(*a, *b)).collect();
    for a in mine {
        if found.iter().any(|(known, _)| known == a) {
            continue;
        }
        let free = |b: &&usize| !found.iter().any(|(_, known)| known == *b) && row(*a, **b);
        if let Some(b) = theirs.iter().find(free) {
            found.push((*a, *b));
        }
    }
    found
}

/// The rows that hang together by their properties, each list in order.
fn components(ends: &[(usize, usize)], left: usize, right: usize) -> Vec<Vec<usize>> {
    let mut parent: Vec<usize> = (0..left + right).collect();
    fn find(parent: &mut [usize], mut at: usize) -> usize {
        while parent[at] != at {
            parent[at] = parent[parent[at]];
            at = parent[at];
        }
        at
    }
    for (a, b) in ends {
        let (a, b) = (find(&mut parent, *a), find(&mut parent, left + b));
        parent[a.max(b)] = a.min(b);
    }
    let mut found: Vec<Vec<usize>> = Vec::new();
    let mut places: HashMap<usize, usize> = HashMap::new();
    for (row, (a, _)) in ends.iter().enumerate() {
        let root = find(&mut parent, *a);
        let at = *places.entry(root).or_insert_with(|| {
            found.push(vec![]);
            found.len() - 1
        });
        found[at].push(row);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p1c_the_nth_belongs_to_the_nth() {
        let rows = [
            ("mailing", "billing"),
            ("mailing", "shipping"),
            ("other", "billing"),
            ("other", "shipping"),
        ];
        assert_eq!(fill_rows(&rows), [false, true, true, false]);
        // The order of the rows does not matter, only that in which the properties are first named.
        let rows = [("m", "s"), ("m", "b"), ("o", "b"), ("o", "s")];
        assert_eq!(fill_rows(&rows), [false, true, false, true]);
    }

    #[test]
    fn p1c_an_incomplete_block_keeps_as_many_pairs_as_it_can() {
        assert_eq!(fill_rows(&[("a", "x"), ("a", "y"), ("b", "y")]), [false, true, false]);
        assert_eq!(
            fill_rows(&[("a", "x"), ("b", "x"), ("b", "y"), ("c", "y")]),
            [false, true, false, true]
        );
        // Three with two: the third only fills.
        let rows = [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y"), ("c", "x"), ("c", "y")];
        assert_eq!(fill_rows(&rows), [false, true, true, false, true, true]);
    }

    #[test]
    fn p1a_a_lone_property_is_no_block() {
        assert_eq!(
            fill_rows(&[("street", "city"), ("postal", "city"), ("name", "name")]),
            [false; 3]
        );
        assert_eq!(fill_rows(&[("a", "x"), ("a", "x")]), [false; 2]);
    }
}

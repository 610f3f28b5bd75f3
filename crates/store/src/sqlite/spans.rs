//! Lists of numbers as few ranges.
//!
//! A batch's records mostly have consecutive numbers, because they were read one after another. One
//! range of an index is read several times faster than as many single look-ups, and where the table
//! is nearly empty (what is kept apart, open reviews, open intents) a wide range with gaps costs no
//! more than one look-up.

/// A range of numbers, both ends included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub low: i64,
    pub high: i64,
}

/// Numbers without repetitions, and the ranges that hold them.
pub(super) struct Spans {
    /// Rising.
    wanted: Vec<i64>,
    pub ranges: Vec<Span>,
    /// Everything inside of the ranges is wanted.
    dense: bool,
}

impl Spans {
    /// Covers the numbers with ranges; a range goes on over holes of up to `hole` numbers that are
    /// not wanted.
    pub(super) fn over(numbers: impl Iterator<Item = i64>, hole: i64) -> Self {
        let mut wanted: Vec<i64> = numbers.collect();
        if !wanted.is_sorted_by(|a, b| a < b) {
            wanted.sort_unstable();
            wanted.dedup();
        }
        debug_assert!(wanted.is_sorted_by(|a, b| a < b), "numbers are looked up by halves");
        let mut ranges: Vec<Span> = Vec::new();
        let mut dense = true;
        for &number in &wanted {
            match ranges.last_mut() {
                Some(last) if number.saturating_sub(last.high) <= hole + 1 => {
                    dense &= number == last.high + 1;
                    last.high = number;
                }
                _ => ranges.push(Span { low: number, high: number }),
            }
        }
        Spans { wanted, ranges, dense }
    }

    /// Whether a number that a range brought was asked for.
    pub(super) fn wants(&self, number: i64) -> bool {
        self.dense || self.wanted.binary_search(&number).is_ok()
    }

    /// How many numbers there are.
    pub(super) fn len(&self) -> usize {
        self.wanted.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_what_is_wanted_and_know_what_is_not() {
        let spans = Spans::over([9, 1, 2, 3, 5, 2, 40].into_iter(), 1);
        let expected = [(1, 5), (9, 9), (40, 40)].map(|(low, high)| Span { low, high });
        assert_eq!(spans.ranges, expected);
        assert_eq!(spans.len(), 6);
        assert!(spans.wants(5) && !spans.wants(4));
        let dense = Spans::over(1..=3, 8);
        assert_eq!(dense.ranges, [Span { low: 1, high: 3 }]);
        assert!(Spans::over([i64::MIN, i64::MAX].into_iter(), 8).ranges.len() == 2);
    }
}

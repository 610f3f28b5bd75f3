//! Sets of numbers that mostly lie close together, kept as ranges: in memory, and as few rows on disk.

use std::collections::{BTreeMap, BTreeSet};

/// A set of numbers, and which of its ranges differ from what is on disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranges {
    /// First number to last one. No two touch.
    ranges: BTreeMap<i64, i64>,
    touched: BTreeSet<i64>,
}

impl Ranges {
    /// Takes in a range as it is on disk.
    pub(super) fn load(&mut self, first: i64, last: i64) {
        self.ranges.insert(first, last);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The range that holds a number.
    fn around(&self, number: i64) -> Option<(i64, i64)> {
        self.ranges.range(..=number).next_back().map(|(first, last)| (*first, *last)).filter(|(_, last)| number <= *last)
    }

    pub(super) fn contains(&self, number: i64) -> bool {
        self.around(number).is_some()
    }

    pub(super) fn insert(&mut self, number: i64) {
        if self.contains(number) {
            return;
        }
        let before = number.checked_sub(1).and_then(|n| self.around(n));
        let after = number.checked_add(1).and_then(|n| self.around(n));
        let (first, last) = (before.map_or(number, |(first, _)| first), after.map_or(number, |(_, last)| last));
        if let Some((first, _)) = after {
            self.ranges.remove(&first);
            self.touched.insert(first);
        }
        self.ranges.insert(first, last);
        self.touched.insert(first);
    }

    pub(super) fn remove(&mut self, number: i64) {
        let Some((first, last)) = self.around(number) else { return };
        self.touched.insert(first);
        if first == number {
            self.ranges.remove(&first);
        } else {
            self.ranges.insert(first, number - 1);
        }
        if number < last {
            self.ranges.insert(number + 1, last);
            self.touched.insert(number + 1);
        }
    }

    /// The ranges, from first to last number.
    pub(super) fn ranges(&self) -> impl Iterator<Item = (i64, i64)> {
        self.ranges.iter().map(|(first, last)| (*first, *last))
    }

    /// The numbers, rising.
    pub(super) fn numbers(&self) -> impl Iterator<Item = i64> {
        self.ranges.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// What is to be done on disk: for each first number, the last one of its range, or nothing where no range begins there any more.
    pub(super) fn changes(&mut self) -> Vec<(i64, Option<i64>)> {
        std::mem::take(&mut self.touched).into_iter().map(|first| (first, self.ranges.get(&first).copied())).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_set_of_ranges_is_a_set_and_its_changes_bring_the_disk_up_to_date() {
        let (mut ranges, mut plain, mut disk) = (Ranges::default(), BTreeSet::new(), BTreeMap::new());
        // A walk through small numbers, by a multiplier that visits them all in no order.
        for step in 0..2_000i64 {
            let number = step * 7_919 % 61;
            if step * 31 % 5 < 3 {
                ranges.insert(number);
                plain.insert(number);
            } else {
                ranges.remove(number);
                plain.remove(&number);
            }
            assert!(ranges.numbers().eq(plain.iter().copied()), "{step}");
            assert_eq!(ranges.contains(number), plain.contains(&number));
            if step % 3 == 0 {
                for (first, last) in ranges.changes() {
                    match last {
                        Some(last) => disk.insert(first, last),
                        None => disk.remove(&first),
                    };
                }
                assert_eq!(disk, ranges.ranges);
            }
        }
    }

    #[test]
    fn consecutive_numbers_are_one_range_from_end_to_end() {
        let mut ranges = Ranges::default();
        [i64::MAX, i64::MAX - 1, i64::MIN].into_iter().for_each(|number| ranges.insert(number));
        assert_eq!(ranges.changes(), [(i64::MIN, Some(i64::MIN)), (i64::MAX - 1, Some(i64::MAX)), (i64::MAX, None)]);
        ranges.remove(i64::MAX);
        assert_eq!(ranges.changes(), [(i64::MAX - 1, Some(i64::MAX - 1))]);
    }
}

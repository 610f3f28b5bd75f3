//! Sets of numbers that mostly lie close together, kept as ranges: in memory, and as few rows on
//! disk.

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
        self.ranges
            .range(..=number)
            .next_back()
            .map(|(first, last)| (*first, *last))
            .filter(|(_, last)| number <= *last)
    }

    pub(super) fn contains(&self, number: i64) -> bool {
        self.around(number).is_some()
    }

    /// Takes these numbers in. In their order, and together, they cost a step for each of the
    /// ranges they make.
    pub(super) fn insert_all(&mut self, numbers: impl IntoIterator<Item = i64>) {
        runs(numbers, |first, last| self.insert(first, last));
    }

    /// Takes these numbers out.
    pub(super) fn remove_all(&mut self, numbers: impl IntoIterator<Item = i64>) {
        runs(numbers, |first, last| self.remove(first, last));
    }

    /// Takes in all numbers from the first to the last.
    fn insert(&mut self, first: i64, last: i64) {
        let (mut from, mut to) = (first, last);
        // From the back: all that the numbers overlap or touch becomes one range with them.
        while let Some((&other, &end)) = self.ranges.range(..=last.saturating_add(1)).next_back()
            && end >= first.saturating_sub(1)
        {
            if (other, end) == (from.min(other), to.max(end)) {
                return;
            }
            self.ranges.remove(&other);
            self.touched.insert(other);
            (from, to) = (from.min(other), to.max(end));
        }
        self.ranges.insert(from, to);
        self.touched.insert(from);
    }

    /// Takes out all numbers from the first to the last.
    fn remove(&mut self, first: i64, last: i64) {
        while let Some((&from, &to)) = self.ranges.range(..=last).next_back()
            && to >= first
        {
            self.ranges.remove(&from);
            self.touched.insert(from);
            if to > last {
                self.ranges.insert(last + 1, to);
                self.touched.insert(last + 1);
            }
            if from < first {
                self.ranges.insert(from, first - 1);
                return;
            }
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

    /// What is to be done on disk: for each first number, the last one of its range, or nothing
    /// where no range begins there any more.
    pub(super) fn changes(&mut self) -> Vec<(i64, Option<i64>)> {
        std::mem::take(&mut self.touched)
            .into_iter()
            .map(|first| (first, self.ranges.get(&first).copied()))
            .collect()
    }
}

/// The runs of consecutive numbers in these, as they come: first and last of each.
fn runs(numbers: impl IntoIterator<Item = i64>, mut then: impl FnMut(i64, i64)) {
    let mut run: Option<(i64, i64)> = None;
    for number in numbers {
        run = match run {
            Some((first, last)) if last.checked_add(1) == Some(number) => Some((first, number)),
            ended => {
                if let Some((first, last)) = ended {
                    then(first, last);
                }
                Some((number, number))
            }
        };
    }
    if let Some((first, last)) = run {
        then(first, last);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_set_of_ranges_is_a_set_and_its_changes_bring_the_disk_up_to_date() {
        let (mut ranges, mut plain, mut disk) =
            (Ranges::default(), BTreeSet::new(), BTreeMap::new());
        // A walk through small numbers, by a multiplier that visits them all in no order, in runs
        // of different lengths.
        for step in 0..2_000i64 {
            let first = step * 7_919 % 61;
            let run = first..first + step * 17 % 7;
            if step * 31 % 5 < 3 {
                ranges.insert_all(run.clone());
                plain.extend(run);
            } else {
                ranges.remove_all(run.clone());
                plain.retain(|number| !run.contains(number));
            }
            let number = first;
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
        ranges.insert_all([i64::MAX, i64::MAX - 1, i64::MIN]);
        assert_eq!(
            ranges.changes(),
            [(i64::MIN, Some(i64::MIN)), (i64::MAX - 1, Some(i64::MAX)), (i64::MAX, None)]
        );
        ranges.remove_all([i64::MAX]);
        assert_eq!(ranges.changes(), [(i64::MAX - 1, Some(i64::MAX - 1))]);
    }
}

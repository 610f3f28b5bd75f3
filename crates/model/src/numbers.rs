//! Maps over numbers of ours. Record and entity numbers and hashes are as good as scattered
//! already: one multiplication does, where the standard hasher, which guards against keys that a
//! stranger chose, takes longer than the look-up.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// A map from numbers of ours.
pub type NumberMap<K, V> = HashMap<K, V, BuildHasherDefault<ByNumber>>;
/// A set of numbers of ours.
pub type NumberSet<K> = HashSet<K, BuildHasherDefault<ByNumber>>;

/// So many numbers that follow one another lie together: what is loaded together has such, and is
/// walked through in their order.
const BLOCK: u64 = 64;
/// 2 to the 64th, divided by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Fibonacci hashing (Knuth, The Art of Computer Programming, volume 3, section 6.4).
#[derive(Clone, Copy, Debug, Default)]
pub struct ByNumber(u64);

impl Hasher for ByNumber {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = self.0.wrapping_mul(GOLDEN).rotate_left(23) ^ number;
    }

    fn write_i64(&mut self, number: i64) {
        self.write_u64(number as u64);
    }

    fn write_u16(&mut self, number: u16) {
        self.write_u64(u64::from(number));
    }

    fn finish(&self) -> u64 {
        // The map takes the place from the low bits and tells neighbours apart by the seven
        // highest.
        let (block, place) = (self.0 / BLOCK, self.0 % BLOCK);
        let block = block.wrapping_mul(GOLDEN);
        let block = block ^ (block >> 32);
        (block.wrapping_mul(BLOCK) | place) & (u64::MAX >> 7)
            | self.0.wrapping_mul(GOLDEN) & !(u64::MAX >> 7)
    }
}

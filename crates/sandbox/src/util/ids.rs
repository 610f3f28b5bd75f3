//! A seeded source of ids and choices (SplitMix64, Steele, Lea and Flood 2014).
//!
//! One sandbox started twice with the same seed hands out the same ids, so that a transcript can be
//! repeated.

/// Deterministic random numbers.
#[derive(Debug, Clone)]
pub struct Source(u64);

impl Source {
    /// `salt` keeps the sources of two systems with one seed apart.
    pub fn new(seed: u64, salt: &str) -> Self {
        let salted = salt.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salted)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`; `bound` must not be 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// True in `percent` of a hundred calls.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A version 4 UUID in lower case.
    pub fn uuid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        let high = high & 0xffff_ffff_ffff_0fff | 0x4000;
        let low = low & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000;
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
    }

    /// An opaque token that starts with `prefix`.
    pub fn token(&mut self, prefix: &str) -> String {
        format!("{prefix}{:016x}{:016x}", self.next(), self.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_sequence_and_uuids_have_their_form() {
        let (mut a, mut b, mut c) =
            (Source::new(7, "wix"), Source::new(7, "wix"), Source::new(7, "zendesk"));
        let id = a.uuid();
        assert_eq!(id, b.uuid());
        assert_ne!(id, c.uuid());
        assert_eq!(id.len(), 36);
        assert_eq!(&id[14..15], "4");
        assert!("89ab".contains(&id[19..20]));
    }
}

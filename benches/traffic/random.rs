//! A small random number generator: the same seed gives the same traffic on every machine.

/// `SplitMix64`: one 64-bit state, good enough to vary traffic, of no use for anything secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random {
    state: u64,
}

impl Random {
    /// A generator started by a seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// A number below `bound`; 0 if that is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.bits()) * u128::from(bound);
        u64::try_from(product >> 64).unwrap_or(0)
    }

    /// A number from `low` (included) to `high` (not included).
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low.saturating_add(self.below(high.saturating_sub(low)))
    }

    /// True in this share of all cases.
    pub fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// A time with an exponential distribution around a mean, at most twelve times the mean.
    pub fn exponential(&mut self, mean: u64) -> u64 {
        let factor = -(1.0 - self.unit()).ln();
        scale(mean, factor.min(12.0))
    }

    /// One of the values; `None` of none.
    pub fn pick<'a, T>(&mut self, values: &'a [T]) -> Option<&'a T> {
        let index = self.below(u64::try_from(values.len()).ok()?);
        values.get(usize::try_from(index).ok()?)
    }

    /// A number from 0 (included) to 1 (not included).
    fn unit(&mut self) -> f64 {
        // 32 bits go into a double exactly.
        f64::from(u32::try_from(self.bits() >> 32).unwrap_or(0)) / 4_294_967_296.0
    }
}

/// Mixes the bits of a number so that near numbers give unrelated results.
pub fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A number times a factor, rounded down; negative factors give 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a float cast to an integer saturates, which is what is wanted"
)]
pub fn scale(value: u64, factor: f64) -> u64 {
    (value as f64 * factor) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let draw = |seed| Random::new(seed).bits();
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        // The published first output of SplitMix64 for seed 0.
        assert_eq!(draw(0), 0xe220_a839_7b1d_cdaf);
    }

    #[test]
    fn bounds_and_shares_hold() {
        let mut random = Random::new(5);
        assert!((0..1000).all(|_| (3..9).contains(&random.between(3, 9))));
        let hits = (0..10_000).filter(|_| random.chance(0.25)).count();
        assert!((2300..2700).contains(&hits));
        assert_eq!((random.below(0), random.pick::<u8>(&[])), (0, None));
    }
}

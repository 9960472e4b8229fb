//! A histogram with buckets that grow with the values, for any number of values in bounded memory.

use std::collections::BTreeMap;

/// Counts nanoseconds. Each power of two has 16 buckets; negative values have the same ones.
#[derive(Default)]
pub struct Histogram {
    counts: BTreeMap<i32, u64>,
    total: u64,
    least: Option<i64>,
    most: Option<i64>,
}

/// Rows of a printed histogram: values from `from` to less than `to`.
pub struct Row {
    pub from: i64,
    pub to: i64,
    pub count: u64,
}

/// Buckets for each power of two: 1 << STEPS.
const STEPS: u32 = 4;

impl Histogram {
    pub fn add(&mut self, value: i64) {
        *self.counts.entry(bucket(value)).or_default() += 1;
        self.total += 1;
        self.least = Some(self.least.map_or(value, |least| least.min(value)));
        self.most = Some(self.most.map_or(value, |most| most.max(value)));
    }

    pub fn least(&self) -> Option<i64> {
        self.least
    }

    pub fn most(&self) -> Option<i64> {
        self.most
    }

    /// The value that this percentage of the values does not exceed, rounded up to the end of its bucket.
    pub fn percentile(&self, percent: u64) -> Option<i64> {
        let rank = (u128::from(self.total) * u128::from(percent)).div_ceil(100).max(1);
        let mut seen = 0;
        for (bucket, count) in &self.counts {
            seen += u128::from(*count);
            if seen >= rank {
                let end = edge(bucket + 1) - 1;
                return Some(end.clamp(self.least?.into(), self.most?.into()) as i64);
            }
        }
        None
    }

    /// The buckets, joined until there are at most 12 rows, and fewer for few values.
    pub fn rows(&self) -> Vec<Row> {
        let limit = self.total.checked_ilog2().map_or(1, |power| power.min(8) as i32 + 4);
        let (Some((first, _)), Some((last, _))) =
            (self.counts.first_key_value(), self.counts.last_key_value())
        else {
            return Vec::new();
        };
        let mut joined = 1;
        while last.div_euclid(joined) - first.div_euclid(joined) >= limit {
            joined *= 2;
        }
        let row = |row: i32| {
            let buckets = row * joined..(row + 1) * joined;
            let count = self.counts.range(buckets.clone()).map(|(_, count)| count).sum();
            const LEAST: i128 = i64::MIN as i128;
            const MOST: i128 = i64::MAX as i128;
            let [from, to] =
                [buckets.start, buckets.end].map(edge).map(|edge| edge.clamp(LEAST, MOST) as i64);
            Row { from, to, count }
        };
        (first.div_euclid(joined)..=last.div_euclid(joined)).map(row).collect()
    }
}

/// The bucket of a value. Bucket 0 has 0 only.
fn bucket(value: i64) -> i32 {
    let size = value.unsigned_abs();
    let index = match size.checked_ilog2() {
        Some(power) if power >= STEPS => {
            let within = (size >> (power - STEPS)) - (1 << STEPS);
            (i64::from(power - STEPS + 1) << STEPS) + within as i64
        }
        _ => size as i64,
    } as i32;
    if value < 0 { -index } else { index }
}

/// The smallest value of a bucket.
fn edge(bucket: i32) -> i128 {
    if bucket < 0 { 1 - lower(1 - bucket) } else { lower(bucket) }
}

/// The smallest value of a bucket that is not negative.
fn lower(bucket: i32) -> i128 {
    let (power, within) = (bucket >> STEPS, i128::from(bucket & ((1 << STEPS) - 1)));
    match power {
        0 => within,
        // A joined row may end beyond all values.
        1..=64 => (within + (1 << STEPS)) << (power - 1),
        _ => i128::MAX,
    }
}

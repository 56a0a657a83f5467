//! Does the time of an operation tell which of two inputs it had? Measured as dudect does (Reparaz, Balasch and
//! Verbauwhede, "Dude, is my code constant time?", DATE 2017): inputs of two classes in random order, Welch's t-test on
//! the two samples, whole and with their slow end cut off at several places.
//!
//! A |t| above [`THRESHOLD`] says that the classes differ; one below it says that this many samples do not show it.

mod auc;
mod oaep;
mod subjects;

use std::time::Instant;

pub use auc::Auc;
pub use subjects::{Expected, Subject, subjects};

/// The |t| from which a difference counts as shown, as in the paper's tool.
pub const THRESHOLD: f64 = 4.5;

/// Shares of the samples that are kept, the fastest first: what interrupts a run makes it slower, never faster.
const KEPT: [f64; 6] = [1.0, 0.99, 0.95, 0.9, 0.75, 0.5];

/// What a measurement found.
#[derive(Clone, Copy, Debug)]
pub struct Finding {
    /// The largest |t| over all crops.
    pub t: f64,
    /// The share of the samples at which it was found.
    pub kept: f64,
    /// The mean of the first class less that of the second at that crop, in nanoseconds.
    pub difference_ns: f64,
}

impl Finding {
    /// Whether the classes differ.
    pub fn differs(&self) -> bool {
        self.t > THRESHOLD
    }
}

/// Times `samples` runs. Each gets the class (0 or 1) and a number by which it picks an input of that class; what
/// [`Subject::prepare`] does is not timed.
pub fn measure(samples: usize, seed: u64, subject: &mut Subject) -> Finding {
    let mut random = SplitMix64(seed);
    // The first runs fill caches and predictors.
    for round in 0..samples / 20 + 2 {
        (subject.prepare)(round % 2, round);
        (subject.run)(round % 2, round);
    }
    let mut times = Vec::with_capacity(samples);
    for _ in 0..samples {
        let drawn = random.draw();
        let (class, pick) = ((drawn & 1) as usize, (drawn >> 8) as usize);
        (subject.prepare)(class, pick);
        let start = Instant::now();
        (subject.run)(class, pick);
        times.push((class, start.elapsed().as_nanos() as f64));
    }
    judge(times)
}

fn judge(mut times: Vec<(usize, f64)>) -> Finding {
    times.sort_by(|one, other| one.1.total_cmp(&other.1));
    KEPT.iter()
        .map(|&kept| {
            let (t, difference_ns) = welch(&times[..(times.len() as f64 * kept) as usize]);
            let t = t.abs();
            Finding { t, kept, difference_ns }
        })
        .max_by(|one, other| one.t.total_cmp(&other.t))
        .expect("there are crops")
}

/// Welch's t, and the difference of the means.
fn welch(times: &[(usize, f64)]) -> (f64, f64) {
    let moments = |class| {
        let values = || times.iter().filter(move |(of, _)| *of == class).map(|(_, time)| *time);
        let count = values().count() as f64;
        let mean = values().sum::<f64>() / count;
        let variance = values().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (count, mean, variance)
    };
    let ((count, mean, variance), (other_count, other_mean, other_variance)) = (moments(0), moments(1));
    let error = (variance / count + other_variance / other_count).sqrt();
    let difference = mean - other_mean;
    // Too few of a class, or a clock too coarse for any spread.
    if !error.is_finite() || error == 0.0 {
        return (0.0, 0.0);
    }
    (difference / error, difference)
}

/// The sequence of classes; its seed is printed.
#[derive(Clone, Debug)]
pub struct SplitMix64(pub u64);

impl SplitMix64 {
    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Times as they come: some spread, and one in fifty held up.
    fn made_up(offset: f64) -> Vec<(usize, f64)> {
        let mut random = SplitMix64(7);
        (0..20_000)
            .map(|index| {
                let drawn = random.draw();
                let held_up = if drawn.is_multiple_of(50) { 100_000.0 } else { 0.0 };
                let class = index % 2;
                (
                    class,
                    1_000.0 + (drawn >> 32) as f64 % 100.0 + held_up + offset * class as f64,
                )
            })
            .collect()
    }

    #[test]
    fn a_small_difference_under_much_noise_is_found_and_none_is_not() {
        let found = judge(made_up(5.0));
        assert!(found.differs() && found.difference_ns < 0.0, "{found:?}");
        let none = judge(made_up(0.0));
        assert!(!none.differs(), "{none:?}");
    }

    #[test]
    fn welch_of_a_worked_example() {
        // Means 2 and 4, variances 1 and 1, three each: −2 / √(2/3).
        let times = [(0, 1.0), (0, 2.0), (0, 3.0), (1, 3.0), (1, 4.0), (1, 5.0)];
        let (t, difference) = welch(&times);
        assert!(
            (t + 6.0_f64.sqrt()).abs() < 1e-12 && (difference + 2.0).abs() < 1e-12,
            "{t}"
        );
    }

    #[test]
    fn every_subject_runs() {
        for mut subject in subjects() {
            for class in [0, 1] {
                (subject.prepare)(class, 0);
                (subject.run)(class, 0);
            }
        }
    }
}

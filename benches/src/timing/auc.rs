//! How well does a time tell two classes apart? The area under the ROC curve is the chance that a run of the one class
//! took longer than a run of the other: 0.5 tells nothing, 0 and 1 tell everything, and no assumption is made about how
//! times are distributed. Its standard error is DeLong's ("Comparing the areas under two or more correlated receiver
//! operating characteristic curves", Biometrics 44, 1988).

/// The normal quantile of a two-sided interval of 99.9 %.
const Z: f64 = 3.290_526_731_491_925;

/// An area with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Auc {
    /// The chance that the first class took longer; equal times count half.
    pub area: f64,
    /// Its standard error.
    pub error: f64,
}

impl Auc {
    /// Of the times of the two classes. Each needs two times at least.
    pub fn of(first: &[f64], second: &[f64]) -> Self {
        let wins: Vec<f64> = first.iter().map(|&time| share_below(second, time)).collect();
        let losses: Vec<f64> = second.iter().map(|&time| share_below(first, time)).collect();
        let area = mean(&wins);
        let error = (variance(&wins) / first.len() as f64 + variance(&losses) / second.len() as f64).sqrt();
        Self { area, error }
    }

    /// The interval of 99.9 % for |area − 0.5|.
    pub fn distance(&self) -> (f64, f64) {
        let (distance, reach) = ((self.area - 0.5).abs(), Z * self.error);
        ((distance - reach).max(0.0), distance + reach)
    }

    /// Whether the classes are told apart no better than `bar`, of which 99.9 % are sure.
    pub fn within(&self, bar: f64) -> bool {
        self.distance().1 <= bar
    }
}

/// Which share of `times` is below `time`, equal ones by half.
fn share_below(times: &[f64], time: f64) -> f64 {
    let below = times.iter().filter(|&&other| other < time).count() as f64;
    let equal = times.iter().filter(|&&other| other == time).count() as f64;
    (below + equal / 2.0) / times.len() as f64
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timing::SplitMix64;

    /// Logins as they are timed: 14 ms with some spread, and one in twenty held up.
    fn logins(seed: u64, offset_ms: f64) -> Vec<f64> {
        let mut random = SplitMix64(seed);
        (0..2_000)
            .map(|_| {
                let drawn = random.draw();
                let held_up = if drawn.is_multiple_of(20) { 5.0 } else { 0.0 };
                14.0 + (drawn >> 40) as f64 / (1 << 24) as f64 + held_up + offset_ms
            })
            .collect()
    }

    #[test]
    fn a_worked_example() {
        // Of nine pairs, the first is longer in six and equal in one.
        let auc = Auc::of(&[2.0, 3.0, 4.0], &[1.0, 2.0, 3.5]);
        assert!((auc.area - 6.5 / 9.0).abs() < 1e-12, "{auc:?}");
        // Placements 1/2, 2/3, 1 and 0, 1/6, 2/3.
        let error = ((7.0_f64 / 108.0 + 13.0 / 108.0) / 3.0).sqrt();
        assert!((auc.error - error).abs() < 1e-12, "{auc:?} {error}");
    }

    #[test]
    fn a_millisecond_more_is_found_and_none_is_not() {
        let same = Auc::of(&logins(1, 0.0), &logins(2, 0.0));
        assert!(same.within(0.10), "{same:?}");
        for offset_ms in [1.0, -1.0] {
            let leak = Auc::of(&logins(1, offset_ms), &logins(2, 0.0));
            assert!(!leak.within(0.10) && leak.distance().0 > 0.10, "{leak:?}");
        }
    }

    #[test]
    fn too_few_times_show_nothing() {
        let few = Auc::of(&logins(1, 0.0)[..50], &logins(2, 0.0)[..50]);
        assert!(!few.within(0.10), "the interval is wider than the bar: {few:?}");
    }
}

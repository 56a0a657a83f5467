//! Parameters that take a given time on this machine.

use std::time::Duration;

use super::argon2::{Input, Variant, Version};
use super::hasher::HashError;
use super::params::{Argon2Params, InvalidParams};
use super::pool::HashPermit;

/// What one hash may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalibrationTarget {
    /// Longest time for one hash when nothing else runs. A login waits for it at least; an attacker for each guess.
    pub time: Duration,
    /// Most memory for one hash in KiB, from 19 MiB up. A pool takes this times its capacity.
    pub memory_kib: u32,
    /// Lanes, 1 to [`Argon2Params::MAX_P_COST`]; 1 unless something else is known. They are computed one after the other,
    /// so that more save an attacker time and nobody else.
    pub lanes: u32,
}

/// What [`calibrate`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calibration {
    /// The parameters: never less than OWASP's minimum ([`Argon2Params::meets_owasp`]).
    pub params: Argon2Params,
    /// What one hash took with them.
    pub time: Duration,
}

/// Why no parameters were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CalibrateError {
    /// The memory allowed is less than OWASP's minimum, 19 MiB.
    #[error("{memory_kib} KiB are less than the least acceptable memory of {least_kib} KiB")]
    MemoryBelowMinimum {
        /// What was allowed, in KiB.
        memory_kib: u32,
        /// The least for this number of lanes, in KiB.
        least_kib: u32,
    },
    /// Memory or lanes are out of range.
    #[error(transparent)]
    Params(#[from] InvalidParams),
    /// Even OWASP's minimum takes longer than the time allowed.
    #[error("the least acceptable parameters take {least:?} on this machine")]
    TooSlow {
        /// What they took.
        least: Duration,
    },
    /// The clock went backwards or stood still during a hash.
    #[error("the clock does not advance")]
    Clock,
    /// A hash was not computed.
    #[error(transparent)]
    Hash(#[from] HashError),
}

/// Finds the costliest parameters that stay within `target` on this machine: as much memory as allowed first, then as many
/// passes as the time leaves (the order of RFC 9106 §4). When time does not suffice for the memory allowed, less memory is
/// taken, down to OWASP's minimum and not below.
///
/// `clock` tells the time since any fixed moment. Runs on the permit's memory and backend, some dozens of hashes at most;
/// each measurement is the least of three, because whatever else runs can only add to it. Calibrate when nothing else
/// does, and choose the result for a deployment rather than at each start: a machine that happened to be busy must not
/// weaken the hashes of that day.
///
/// ```no_run
/// use std::num::NonZeroUsize;
/// use std::time::{Duration, Instant};
///
/// use cryptokit::password::{CalibrationTarget, HashPool, calibrate};
///
/// let pool = HashPool::new(NonZeroUsize::MIN);
/// let mut permit = pool.try_acquire().expect("a new pool is free");
/// let target = CalibrationTarget { time: Duration::from_millis(50), memory_kib: 64 * 1024, lanes: 1 };
/// let start = Instant::now();
/// let found = calibrate(&mut permit, target, || start.elapsed())?;
/// println!("{:?} take {:?}", found.params, found.time);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`CalibrateError`].
pub fn calibrate(
    permit: &mut HashPermit,
    target: CalibrationTarget,
    mut clock: impl FnMut() -> Duration,
) -> Result<Calibration, CalibrateError> {
    let found = search(target, |params| {
        // The first run in new memory pays for its pages.
        run(permit, params)?;
        let mut least = Duration::MAX;
        for _ in 0..RUNS {
            let before = clock();
            run(permit, params)?;
            let took = clock().checked_sub(before).ok_or(CalibrateError::Clock)?;
            least = least.min(took);
        }
        if least.is_zero() {
            Err(CalibrateError::Clock)
        } else {
            Ok(least)
        }
    });
    permit.wipe();
    found
}

/// Runs that a measurement is the least of.
const RUNS: usize = 3;
/// Most measurements on the way down before the least parameters are tried.
const STEPS: usize = 24;

fn search(
    target: CalibrationTarget,
    mut measure: impl FnMut(Argon2Params) -> Result<Duration, CalibrateError>,
) -> Result<Calibration, CalibrateError> {
    let lanes = target.lanes;
    let whole = Argon2Params::new(target.memory_kib, 1, lanes)?;
    // RFC 9106 §3.2 rounds memory down to a multiple of 4 KiB for each lane; what is lost must not count.
    let unit = 4 * lanes;
    let least_kib = Argon2Params::OWASP.m_cost().next_multiple_of(unit);
    if whole.m_cost() < least_kib {
        return Err(CalibrateError::MemoryBelowMinimum {
            memory_kib: target.memory_kib,
            least_kib,
        });
    }
    let floor = Argon2Params::new(least_kib, Argon2Params::OWASP.t_cost(), lanes)?;
    let mut measured = |params| {
        let time = measure(params)?;
        Ok::<_, CalibrateError>(Calibration { params, time })
    };

    let mut found = measured(with_least_passes(whole.m_cost() / unit * unit, lanes)?)?;
    if found.time <= target.time {
        return more_passes(found, target.time, measured);
    }
    for _ in 0..STEPS {
        if found.params == floor {
            return Err(CalibrateError::TooSlow { least: found.time });
        }
        found = measured(less_memory(found, target.time, floor)?)?;
        if found.time <= target.time {
            return Ok(found);
        }
    }
    found = measured(floor)?;
    if found.time <= target.time {
        Ok(found)
    } else {
        Err(CalibrateError::TooSlow { least: found.time })
    }
}

/// The fewest passes that are acceptable over this much memory.
fn with_least_passes(m_cost: u32, lanes: u32) -> Result<Argon2Params, InvalidParams> {
    let one_pass = Argon2Params::new(m_cost, 1, lanes)?;
    if one_pass.meets_owasp() {
        return Ok(one_pass);
    }
    Argon2Params::new(m_cost, Argon2Params::OWASP.t_cost(), lanes)
}

/// `found` is within the time: as many passes as fill it.
fn more_passes(
    mut found: Calibration,
    time: Duration,
    mut measured: impl FnMut(Argon2Params) -> Result<Calibration, CalibrateError>,
) -> Result<Calibration, CalibrateError> {
    let mut passes = passes_within(found, time);
    while passes > found.params.t_cost() {
        let params = Argon2Params::new(found.params.m_cost(), passes, found.params.p_cost())?;
        let tried = measured(params)?;
        if tried.time <= time {
            found = tried;
            break;
        }
        passes = passes_within(tried, time).min(passes - 1);
    }
    Ok(found)
}

/// How many passes fit into the time, if each takes what those measured took.
fn passes_within(measured: Calibration, time: Duration) -> u32 {
    let per_pass = measured.time.as_secs_f64() / f64::from(measured.params.t_cost());
    // A cast saturates.
    ((time.as_secs_f64() / per_pass) as u32).min(Argon2Params::MAX_T_COST)
}

/// `found` takes too long: the most memory that should not, and less than before in any case.
fn less_memory(found: Calibration, time: Duration, floor: Argon2Params) -> Result<Argon2Params, InvalidParams> {
    let lanes = found.params.p_cost();
    let work = f64::from(found.params.m_cost()) * f64::from(found.params.t_cost());
    // What may be written in all passes together, in KiB.
    let affordable = work * time.as_secs_f64() / found.time.as_secs_f64();
    let below = found.params.m_cost() - found.params.m_cost() / 32;
    // Whole MiB, as people write it, and whole units of all lanes.
    let step = 1024_u32.next_multiple_of(4 * lanes);
    for passes in [1, Argon2Params::OWASP.t_cost()] {
        let m_cost = ((affordable / f64::from(passes)) as u32).min(below) / step * step;
        if m_cost > floor.m_cost() {
            let params = Argon2Params::new(m_cost, passes, lanes)?;
            if params.meets_owasp() {
                return Ok(params);
            }
        }
    }
    Ok(floor)
}

fn run(permit: &mut HashPermit, params: Argon2Params) -> Result<(), HashError> {
    let input = Input {
        variant: Variant::Argon2id,
        version: Version::V0x13,
        params,
        password: b"correct horse battery staple",
        salt: &[0; 16],
        secret: &[0; 32],
        associated_data: &[],
    };
    permit.argon2(&input, &mut [0; 32])
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::num::NonZeroUsize;

    use proptest::prelude::*;

    use super::*;
    use crate::password::HashPool;

    const MS: Duration = Duration::from_millis(1);

    fn target(milliseconds: u32, mib: u32, lanes: u32) -> CalibrationTarget {
        CalibrationTarget {
            time: milliseconds * MS,
            memory_kib: mib * 1024,
            lanes,
        }
    }

    /// A machine that takes so many nanoseconds for each KiB of each pass.
    fn machine(ns: u32) -> impl Fn(Argon2Params) -> Result<Duration, CalibrateError> {
        move |params| {
            Ok(Duration::from_nanos(
                u64::from(params.m_cost()) * u64::from(params.t_cost() * ns),
            ))
        }
    }

    fn costs(found: Calibration) -> (u32, u32, u32) {
        (
            found.params.m_cost() / 1024,
            found.params.t_cost(),
            found.params.p_cost(),
        )
    }

    #[test]
    fn memory_comes_first_then_passes() {
        // 0.35 ms for each MiB.
        let found = |target| search(target, machine(350)).map(costs).unwrap();
        assert_eq!(found(target(50, 64, 1)), (64, 2, 1));
        assert_eq!(found(target(50, 19, 1)), (19, 7, 1));
        assert_eq!(found(target(500, 64, 4)), (64, 21, 4));
        assert_eq!(
            found(target(60_000, 19, 1)),
            (19, 64, 1),
            "no more passes than there are"
        );
        assert_eq!(found(target(800, 2048, 4)), (2048, 1, 4));
    }

    #[test]
    fn less_memory_when_time_is_short() {
        let found = |target| search(target, machine(350)).map(costs).unwrap();
        assert_eq!(found(target(50, 1024, 1)), (139, 1, 1));
        assert_eq!(found(target(17, 1024, 1)), (47, 1, 1));
        assert_eq!(found(target(16, 1024, 1)), (22, 2, 1), "a single pass needs 46 MiB");
        assert_eq!(found(target(14, 1024, 1)), (19, 2, 1));
    }

    #[test]
    fn nothing_below_the_minimum_whatever_the_target() {
        let least = Duration::from_nanos(19 * 1024 * 2 * 350);
        for memory in [19, 20, 46, 64, 2048] {
            let refused = search(target(13, memory, 1), machine(350));
            assert_eq!(refused, Err(CalibrateError::TooSlow { least }), "{memory} MiB");
        }
        assert_eq!(
            search(target(1_000, 18, 1), machine(350)),
            Err(CalibrateError::MemoryBelowMinimum {
                memory_kib: 18 * 1024,
                least_kib: 19 * 1024
            })
        );
        // 19 MiB is no multiple of 12 KiB, so that less would be used.
        assert_eq!(
            search(target(1_000, 19, 3), machine(350)),
            Err(CalibrateError::MemoryBelowMinimum {
                memory_kib: 19 * 1024,
                least_kib: 19 * 1024 + 8
            })
        );
    }

    #[test]
    fn targets_out_of_range_are_refused() {
        for lanes in [0, 17] {
            let refused = search(target(50, 64, lanes), machine(350));
            assert_eq!(refused, Err(InvalidParams::Lanes { p_cost: lanes }.into()));
        }
        let refused = search(target(50, 2049, 1), machine(350));
        assert_eq!(refused, Err(InvalidParams::Memory { m_cost: 2049 * 1024 }.into()));
        assert!(matches!(
            search(target(0, 64, 1), machine(350)),
            Err(CalibrateError::TooSlow { .. })
        ));
    }

    #[test]
    fn hashes_are_run_and_timed_by_the_callers_clock() {
        let pool = HashPool::new(NonZeroUsize::MIN);
        let mut permit = pool.try_acquire().unwrap();
        let now = Cell::new(Duration::ZERO);
        let clock = || now.replace(now.get() + 10 * MS);
        // Whatever is run seems to take 10 ms.
        let found = calibrate(&mut permit, target(20, 19, 1), clock).unwrap();
        assert_eq!((costs(found), found.time), ((19, 4, 1), 10 * MS));
        assert_eq!(pool.completed(), 2 * (1 + RUNS as u64));
        assert_eq!(pool.mapped_bytes(), 19 << 20);

        let refused = calibrate(&mut permit, target(9, 19, 1), clock);
        assert_eq!(refused, Err(CalibrateError::TooSlow { least: 10 * MS }));
    }

    #[test]
    fn a_clock_that_does_not_advance_is_refused() {
        let pool = HashPool::new(NonZeroUsize::MIN);
        let mut permit = pool.try_acquire().unwrap();
        assert_eq!(
            calibrate(&mut permit, target(20, 19, 1), || MS),
            Err(CalibrateError::Clock)
        );
        let mut now = 1_000 * MS;
        let backwards = || {
            now -= MS;
            now
        };
        assert_eq!(
            calibrate(&mut permit, target(20, 19, 1), backwards),
            Err(CalibrateError::Clock)
        );
    }

    proptest! {
        #[test]
        fn what_is_found_is_within_the_target_and_never_below_the_minimum(
            ns in 1..20_000u32,
            fixed_us in 0..20_000u64,
            noise in prop::collection::vec(0..30u64, 97),
            milliseconds in 0..2_000u32,
            memory_kib in 0..=Argon2Params::MAX_M_COST + 1,
            lanes in 0..=17u32,
        ) {
            let target = CalibrationTarget { time: milliseconds * MS, memory_kib, lanes };
            let mut measurements = Vec::new();
            let found = search(target, |params| {
                assert!(params.meets_owasp(), "{params:?} is not even tried");
                let exact = machine(ns)(params)? + Duration::from_micros(fixed_us);
                let time = exact + exact / 100 * noise[measurements.len() % noise.len()] as u32;
                measurements.push((params, time));
                Ok(time)
            });
            prop_assert!(measurements.len() <= STEPS + 2 || measurements.len() <= Argon2Params::MAX_T_COST as usize);
            match found {
                Ok(found) => {
                    prop_assert!(found.params.meets_owasp());
                    prop_assert!(found.params.m_cost() <= memory_kib && found.params.p_cost() == lanes);
                    prop_assert!(found.time <= target.time);
                    prop_assert!(measurements.contains(&(found.params, found.time)));
                }
                Err(CalibrateError::TooSlow { least }) => {
                    let (params, time) = *measurements.last().unwrap();
                    prop_assert_eq!((params.t_cost(), time), (2, least));
                    prop_assert!(params.m_cost() < 19 * 1024 + 64 && least > target.time);
                }
                Err(CalibrateError::MemoryBelowMinimum { least_kib, .. }) => prop_assert!(memory_kib < least_kib),
                Err(CalibrateError::Params(_)) => {
                    prop_assert!(!(1..=16).contains(&lanes) || memory_kib < 8 * lanes || memory_kib > 1 << 21);
                }
                Err(error) => prop_assert!(false, "{error}"),
            }
        }
    }
}

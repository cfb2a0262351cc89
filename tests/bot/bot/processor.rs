//! A bot and its database's threads on one processor: they take turns, thousands of times in a
//! story, and waking another processor for each turn takes longer than the turn.

use std::sync::{Mutex, OnceLock};

#[cfg(target_os = "linux")]
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// How many bots are on each processor that the process may use.
static TAKEN: OnceLock<Mutex<Vec<(usize, usize)>>> = OnceLock::new();

/// The processor of a bot, while that is there.
pub struct Processor(usize);

impl Processor {
    /// Keeps this thread, and those that it starts from now on, on the processor with the fewest
    /// bots. Where that cannot be done, they go where they like.
    pub fn with_fewest() -> Option<Self> {
        // The first one asks, before any thread is kept anywhere.
        let taken = TAKEN.get_or_init(|| allowed().into_iter().map(|cpu| (cpu, 0)).collect::<Vec<_>>().into());
        let mut taken = taken.lock().unwrap();
        let (cpu, bots) = taken.iter_mut().min_by_key(|(_, bots)| *bots)?;
        *bots += 1;
        keep_on(*cpu);
        Some(Self(*cpu))
    }
}

impl Drop for Processor {
    fn drop(&mut self) {
        let mut taken = TAKEN.get().unwrap().lock().unwrap();
        taken.iter_mut().find(|(cpu, _)| *cpu == self.0).unwrap().1 -= 1;
    }
}

#[cfg(target_os = "linux")]
fn allowed() -> Vec<usize> {
    let Ok(set) = sched_getaffinity(None) else { return Vec::new() };
    (0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect()
}

#[cfg(target_os = "linux")]
fn keep_on(cpu: usize) {
    let mut one = CpuSet::new();
    one.set(cpu);
    // A sandbox may not allow it.
    let _ = sched_setaffinity(None, &one);
}

#[cfg(not(target_os = "linux"))]
fn allowed() -> Vec<usize> {
    Vec::new()
}

#[cfg(not(target_os = "linux"))]
fn keep_on(_: usize) {}

//! Counts the bytes that a scan looks at, so that tests can hold it to linear cost without a clock.

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Notes that `steps` bytes were looked at. Does nothing outside test builds.
#[inline(always)]
pub(crate) fn spend(steps: usize) {
    #[cfg(test)]
    STEPS.set(STEPS.get() + steps);
    #[cfg(not(test))]
    let _ = steps;
}

/// The steps that `run` spent on this thread.
#[cfg(test)]
pub(crate) fn count(run: impl FnOnce()) -> usize {
    let before = STEPS.get();
    run();
    STEPS.get() - before
}

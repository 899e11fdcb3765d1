//! Counts the bytes that a scan looks at, so that tests can hold it to linear cost without a clock.

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    static ASKED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Notes that `steps` bytes were looked at. Does nothing outside test builds.
#[inline(always)]
pub(crate) fn spend(steps: usize) {
    #[cfg(test)]
    STEPS.set(STEPS.get() + steps);
    #[cfg(not(test))]
    let _ = steps;
}

/// Notes that a reader was asked what is open. Does nothing outside test builds.
#[inline(always)]
pub(crate) fn ask() {
    #[cfg(test)]
    ASKED.set(ASKED.get() + 1);
}

/// How often `run` asked a reader on this thread.
#[cfg(test)]
pub(crate) fn asked(run: impl FnOnce()) -> usize {
    let before = ASKED.get();
    run();
    ASKED.get() - before
}

/// The steps that `run` spent on this thread.
#[cfg(test)]
pub(crate) fn count(run: impl FnOnce()) -> usize {
    let before = STEPS.get();
    run();
    STEPS.get() - before
}

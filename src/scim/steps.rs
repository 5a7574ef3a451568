//! How much work an input makes, counted where it is done and never by a clock: tests hold it against the length of
//! the input. Outside tests nothing is counted.

#[cfg(test)]
use std::cell::Cell;

#[cfg(test)]
thread_local! {
    static TAKEN: Cell<usize> = const { Cell::new(0) };
}

/// Counts looks at bytes, names or values.
#[inline]
pub(crate) fn take(steps: usize) {
    #[cfg(test)]
    TAKEN.set(TAKEN.get().saturating_add(steps));
    #[cfg(not(test))]
    let _ = steps;
}

/// How many were taken for this.
#[cfg(test)]
pub(crate) fn of(work: impl FnOnce()) -> usize {
    let before = TAKEN.get();
    work();
    TAKEN.get() - before
}

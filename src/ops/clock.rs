//! The wall clock. Everything else takes the time as a parameter.

use jiff::Timestamp;

/// The current time. The only place that asks for it.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// A time as `meta.created` and `meta.lastModified` show it: RFC 3339 in UTC, always with milliseconds, so
/// that the order of the strings is the order of the times.
pub fn rfc3339(time: Timestamp) -> String {
    format!("{time:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_always_has_three_digits_of_a_second() {
        let printed = |text: &str| rfc3339(text.parse().unwrap());
        assert_eq!(printed("2026-11-22T10:00:00Z"), "2026-11-22T10:00:00.000Z");
        assert_eq!(printed("2026-11-22T11:00:00.25+01:00"), "2026-11-22T10:00:00.250Z");
    }

    #[test]
    fn a_time_is_cut_and_never_rounded_into_the_future() {
        assert_eq!(rfc3339("2026-12-31T23:59:59.9999Z".parse().unwrap()), "2026-12-31T23:59:59.999Z");
    }
}

//! Times as SCIM writes them: `xsd:dateTime` (RFC 7643 section 2.3.5).

use jiff::civil::{DateTime, date};
use jiff::{SignedDuration, Timestamp};

/// Whether a text is an `xsd:dateTime` that can be compared with others: its year has four digits, its fraction of
/// a second nine at most, and midnight is `00:00:00`.
pub fn is_date_time(text: &str) -> bool {
    xml_instant(text).is_some()
}

/// The instant that a time means, counted from 1970; without an offset, in UTC. What is no `xsd:dateTime` is read as
/// ISO 8601 and RFC 9557 have it.
///
/// No [`Timestamp`]: the last of these is a day before the year 9999 ends, and `9999-12-31T23:59:59Z` is what many
/// systems call never.
pub fn instant(text: &str) -> Option<SignedDuration> {
    let timestamp = || text.parse().ok().map(Timestamp::as_duration);
    xml_instant(text).or_else(timestamp).or_else(|| since_1970(text))
}

/// The instant of an `xsd:dateTime`: `2008-01-23T04:56:22`, a fraction, and an offset; the last two may be absent.
fn xml_instant(text: &str) -> Option<SignedDuration> {
    let shape = "0000-00-00T00:00:00";
    let (whole, rest) = text.split_at_checked(shape.len())?;
    let fraction =
        rest.strip_prefix('.').map(|fraction| fraction.bytes().take_while(u8::is_ascii_digit).count());
    let (fraction, offset) = rest.split_at_checked(fraction.map_or(0, |digits| 1 + digits))?;
    // Calendars with leap seconds are not XML's.
    if !fits(whole, shape) || whole.ends_with("60") || fraction == "." {
        return None;
    }
    since_1970(text.strip_suffix(offset)?)?.checked_sub(offset_of(offset)?)
}

/// A time in UTC.
fn since_1970(local: &str) -> Option<SignedDuration> {
    let epoch = date(1970, 1, 1).at(0, 0, 0, 0);
    Some(local.parse::<DateTime>().ok()?.duration_since(epoch))
}

/// How far ahead of UTC a time is, at most 14 hours (XML Schema part 2, section 3.2.7.3).
fn offset_of(offset: &str) -> Option<SignedDuration> {
    let Some(hours) = offset.strip_prefix(['+', '-']) else {
        return matches!(offset, "" | "Z").then_some(SignedDuration::ZERO);
    };
    let (hour, minute) = hours.split_once(':').filter(|_| fits(hours, "00:00") && hours <= "14:00")?;
    let minute: i64 = minute.parse().ok().filter(|minute| *minute < 60)?;
    let ahead = SignedDuration::from_mins(hour.parse::<i64>().ok()? * 60 + minute);
    Some(if offset.starts_with('-') { -ahead } else { ahead })
}

/// Whether a text has digits where the shape has zeros, and is the same everywhere else.
fn fits(text: &str, shape: &str) -> bool {
    let fits = |(byte, expected): (u8, u8)| match expected {
        b'0' => byte.is_ascii_digit(),
        other => byte == other,
    };
    text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_schema_writes_is_a_time() {
        for time in [
            "2008-01-23T04:56:22Z",
            "2008-01-23T04:56:22",
            "2008-01-23T04:56:22.123456789Z",
            "2008-01-23T04:56:22+14:00",
            "2008-01-23T04:56:22.5-03:30",
            "2024-02-29T00:00:00-00:00",
            "0000-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59.9999999Z",
            "9999-12-31T23:59:59.999999999-14:00",
        ] {
            assert!(is_date_time(time), "{time}");
        }
    }

    #[test]
    fn what_other_standards_write_is_none() {
        for other in [
            "",
            "2008-01-23",
            "20080123T045622Z",
            "2008-01-23 04:56:22Z",
            "2008-01-23t04:56:22z",
            "2008-01-23T04Z",
            "2008-01-23T04:56Z",
            "2008-01-23T04:56:22,5Z",
            "2008-01-23T04:56:22.Z",
            "2008-01-23T04:56:22+02",
            "2008-01-23T04:56:22+0200",
            "2008-01-23T04:56:22+15:00",
            "2008-01-23T04:56:22+05:60",
            "2008-01-23T04:56:22Z[Europe/Berlin]",
            "-002008-01-23T04:56:22Z",
            "2008-01-23T04:56:60Z",
            "2008-13-23T04:56:22Z",
            "2023-02-29T04:56:22Z",
            "2008-01-23T04:56:2ä",
        ] {
            assert!(!is_date_time(other), "{other}");
        }
    }

    #[test]
    fn what_cannot_be_compared_is_none() {
        for time in ["2008-01-23T24:00:00Z", "2008-01-23T04:56:22.1234567890123Z", "10000-01-01T00:00:00Z"] {
            assert!(!is_date_time(time), "{time}");
        }
    }

    #[test]
    fn instants_are_in_order_to_the_end_of_time() {
        let times = [
            "0000-01-01T00:00:00+14:00",
            "0000-01-01T00:00:00",
            "1969-12-31T23:59:59.999999999Z",
            "1970-01-01T00:00:00Z",
            "9999-12-30T22:00:01Z",
            "9999-12-31T23:59:59+00:01",
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59.9999999Z",
            "9999-12-31T23:59:59-14:00",
        ];
        assert!(times.map(|time| instant(time).unwrap()).is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_time_in_another_form_is_the_same_instant() {
        let same = instant("2026-11-23T00:00:00Z");
        for other in ["2026-11-23", "2026-11-23T00:00Z", "2026-11-23T01:00:00+01:00[Europe/Berlin]"] {
            assert_eq!(instant(other), same, "{other}");
        }
    }
}

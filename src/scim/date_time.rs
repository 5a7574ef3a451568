//! Times as SCIM writes them: `xsd:dateTime` (RFC 7643 section 2.3.5).

use super::comparison::instant;

/// Whether a text is an `xsd:dateTime` that can be compared with others: its year has four digits, its fraction of
/// a second nine at most, and midnight is `00:00:00`.
pub fn is_date_time(text: &str) -> bool {
    is_lexical(text) && instant(text).is_some()
}

/// `2008-01-23T04:56:22`, a fraction, and an offset; the last two may be absent.
fn is_lexical(text: &str) -> bool {
    let shape = "0000-00-00T00:00:00";
    let Some((local, rest)) = text.split_at_checked(shape.len()) else { return false };
    let offset = match rest.strip_prefix('.') {
        None => Some(rest),
        Some(fraction) => {
            let offset = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            (offset.len() < fraction.len()).then_some(offset)
        }
    };
    // Calendars with leap seconds are not XML's.
    fits(local, shape) && !local.ends_with("60") && offset.is_some_and(is_offset)
}

/// At most 14 hours (XML Schema part 2, section 3.2.7.3).
fn is_offset(offset: &str) -> bool {
    match offset.strip_prefix(['+', '-']) {
        None => matches!(offset, "" | "Z"),
        Some(hours) => fits(hours, "00:00") && hours <= "14:00",
    }
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
        for time in
            ["2008-01-23T24:00:00Z", "2008-01-23T04:56:22.1234567890123Z", "9999-12-31T23:59:59-14:00"]
        {
            assert!(!is_date_time(time), "{time}");
        }
    }
}

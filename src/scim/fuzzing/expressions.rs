use super::{SAMPLES, Sample, assert_can_be_answered};
use crate::scim::filter::{Filter, MAX_BYTES};
use crate::scim::mode::Mode;
use crate::scim::path::Path;
use crate::scim::relations::Unrelated;

/// A filter reads as what it prints, and `not` makes it match whatever it did not.
pub fn filter(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    for mode in Mode::ALL {
        match Filter::parse(text, mode) {
            Ok(filter) => check_filter(text, &filter, mode),
            Err(error) => assert_can_be_answered(&error),
        }
    }
}

fn check_filter(text: &str, filter: &Filter, mode: Mode) {
    assert!(text.len() <= MAX_BYTES);
    let printed = filter.to_string();
    // Compat puts quotes around what had none.
    if printed.len() <= MAX_BYTES {
        assert_eq!(Filter::parse(&printed, Mode::Strict).as_ref(), Ok(filter), "{printed}");
    }
    let negated = Filter::parse(&format!("not ({printed})"), mode);
    for Sample { schema, resource, .. } in SAMPLES.iter() {
        match filter.bind(schema, mode) {
            Err(error) => assert_can_be_answered(&error),
            Ok(bound) => {
                let matches = bound.matches(resource, &Unrelated);
                if let Ok(Ok(negated)) = negated.as_ref().map(|negated| negated.bind(schema, mode)) {
                    assert_ne!(negated.matches(resource, &Unrelated), matches, "{printed}");
                }
            }
        }
    }
}

/// A path reads as what it prints.
pub fn path(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    for mode in Mode::ALL {
        match Path::parse(text, mode) {
            Err(error) => assert_can_be_answered(&error),
            Ok(path) => {
                assert!(text.len() <= MAX_BYTES);
                let printed = path.to_string();
                if printed.len() <= MAX_BYTES {
                    assert_eq!(Path::parse(&printed, Mode::Strict).as_ref(), Ok(&path), "{printed}");
                }
                for Sample { schema, .. } in SAMPLES.iter() {
                    let _ = schema.locate(&path.attribute);
                }
            }
        }
    }
}

use std::fmt;

use uuid::Uuid;

/// A SCIM id, as members and resources carry it.
///
/// Ids that the operator gives are UUIDs and take 16 bytes; what an identity provider sends as a
/// member's id may be anything and is kept as sent. Compared exactly (RFC 7643 section 3.1).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(Form);

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Form {
    Uuid(Uuid),
    Foreign(Box<str>),
}

impl Id {
    /// An id that nobody has had.
    pub fn random() -> Self {
        Self(Form::Uuid(Uuid::new_v4()))
    }

    /// Whether the operator could have given this id. Where it could not, no look-up need be made.
    pub fn is_ours(&self) -> bool {
        matches!(self.0, Form::Uuid(_))
    }
}

impl From<&str> for Id {
    /// Only the one spelling that is printed back is taken as a UUID: ids are case-exact.
    fn from(text: &str) -> Self {
        match Uuid::try_parse(text) {
            Ok(uuid) if uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text => {
                Self(Form::Uuid(uuid))
            }
            _ => Self(Form::Foreign(text.into())),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Uuid(uuid) => uuid.hyphenated().fmt(f),
            Form::Foreign(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_printed_exactly_as_it_came() {
        for text in [
            "7c9e6679-7425-40de-944b-e07fc1f90ae7",
            "7C9E6679-7425-40DE-944B-E07FC1F90AE7",
            "7c9e6679742540de944be07fc1f90ae7",
            "{7c9e6679-7425-40de-944b-e07fc1f90ae7}",
            "",
            "u1",
        ] {
            assert_eq!(Id::from(text).to_string(), text);
        }
    }

    #[test]
    fn ids_that_differ_in_case_differ() {
        assert_ne!(
            Id::from("7c9e6679-7425-40de-944b-e07fc1f90ae7"),
            Id::from("7C9E6679-7425-40DE-944B-E07FC1F90AE7")
        );
    }
}

//! People who come back: whom a POST means among those who were deactivated. Some identity providers never
//! delete anybody, and send a person who returns as a new one.

use serde_json::Value;

use super::error::{Result, ScimError};
use super::mode::{Mode, Rehire};
use super::resource::Resource;

/// What is known of a person who has the userName or the externalId of a POST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known<'a> {
    /// Whether they are active.
    pub active: bool,
    /// By what the client knows them.
    pub external_id: Option<&'a str>,
}

impl Known<'_> {
    /// Whether a POST can mean this person. Names are given to new people, so somebody of another externalId
    /// is somebody else.
    pub fn can_be(&self, sent: &Resource) -> bool {
        let is_other = match (self.external_id, external_id(sent)) {
            (Some(known), Some(sent)) => known != sent,
            _ => false,
        };
        !self.active && !is_other
    }
}

/// By what the client of a POST knows the person.
pub fn external_id(sent: &Resource) -> Option<&str> {
    sent.get("externalId").and_then(Value::as_str)
}

/// The one person whom a POST brings back, of all who have its userName or its externalId, each named once.
/// None where it means nobody, or could mean several: an externalId that somebody active has tells nobody
/// apart.
pub fn returning<'k, P>(sent: &Resource, known: impl IntoIterator<Item = (P, Known<'k>)>) -> Option<P> {
    let known: Vec<_> = known.into_iter().collect();
    let has_it = |known: &Known<'_>| known.external_id.is_some() && known.external_id == external_id(sent);
    if known.iter().any(|(_, known)| known.active && has_it(known)) {
        return None;
    }
    let mut meant = known.into_iter().filter(|(_, known)| known.can_be(sent));
    match (meant.next(), meant.next()) {
        (Some((person, _)), None) => Some(person),
        _ => None,
    }
}

/// Whether a POST may bring somebody back.
///
/// # Errors
/// `uniqueness` where the mode brings nobody back.
pub fn allow(mode: Mode) -> Result<()> {
    match mode.switches().rehire {
        Rehire::Restore => Ok(()),
        Rehire::Refuse => Err(ScimError::uniqueness(
            "an inactive user has this userName or externalId; activate that one instead",
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::error::ErrorKind;

    const GONE: Known<'static> = Known { active: false, external_id: Some("1") };
    const NAMELESS: Known<'static> = Known { active: false, external_id: None };
    const OTHER: Known<'static> = Known { active: false, external_id: Some("2") };
    const ACTIVE: Known<'static> = Known { active: true, external_id: Some("1") };

    /// The place among `known` of the one who comes back with a POST of this externalId.
    fn returning(external_id: Option<&str>, known: &[Known<'_>]) -> Option<usize> {
        let sent = json!({"userName": "alice", "externalId": external_id});
        super::returning(sent.as_object().unwrap(), known.iter().copied().enumerate())
    }

    /// Quirk Q20.
    #[test]
    fn an_inactive_person_comes_back_where_no_external_id_says_otherwise() {
        for (sent, known) in [(Some("1"), GONE), (None, GONE), (Some("1"), NAMELESS), (None, NAMELESS)] {
            assert_eq!(returning(sent, &[known]), Some(0), "{sent:?} {known:?}");
        }
    }

    #[test]
    fn somebody_of_another_external_id_is_somebody_else() {
        assert_eq!(returning(Some("1"), &[OTHER]), None);
        assert_eq!(returning(Some("1"), &[OTHER, GONE]), Some(1));
    }

    #[test]
    fn nobody_active_comes_back() {
        assert_eq!(returning(Some("1"), &[ACTIVE]), None);
        assert_eq!(returning(None, &[ACTIVE, GONE]), Some(1));
        assert_eq!(returning(Some("1"), &[]), None);
    }

    /// Whoever came back would perhaps get the rights of somebody else.
    #[test]
    fn by_an_external_id_that_somebody_active_has_nobody_comes_back() {
        assert_eq!(returning(Some("1"), &[GONE, ACTIVE]), None);
        assert_eq!(returning(Some("1"), &[NAMELESS, ACTIVE]), None);
    }

    #[test]
    fn of_two_who_may_be_meant_nobody_comes_back() {
        assert_eq!(returning(Some("1"), &[GONE, NAMELESS]), None);
        assert_eq!(returning(Some("1"), &[GONE, GONE]), None);
    }

    #[test]
    fn the_other_modes_refuse_whoever_would_come_back() {
        let allowed = Mode::ALL.map(|mode| allow(mode).map_err(|error| error.kind()));
        assert_eq!(allowed, [Ok(()), Err(ErrorKind::Uniqueness), Err(ErrorKind::Uniqueness)]);
    }
}

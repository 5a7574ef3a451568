//! Versions of resources as entity tags, and the requests that depend on them (RFC 7644 section 3.14).

use std::fmt;

use super::error::{ErrorKind, Result, ScimError, quote};

/// The entity tag of a resource: weak, since answers differ by what they show. `meta.version` has the same
/// text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ETag {
    version: i64,
    /// What else the resource shows that no version counts, such as a user's groups.
    beside: Option<String>,
}

impl ETag {
    /// The tag of a version.
    pub fn new(version: i64) -> Self {
        Self { version, beside: None }
    }

    /// The tag of a version that is shown together with something else, of which this is a digest in letters
    /// and digits. `If-Match` looks at the version alone.
    pub fn beside(version: i64, digest: impl Into<String>) -> Self {
        Self { version, beside: Some(digest.into()) }
    }

    fn opaque(&self) -> String {
        match &self.beside {
            Some(digest) => format!("{}-{digest}", self.version),
            None => self.version.to_string(),
        }
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "W/\"{}\"", self.opaque())
    }
}

/// The value of an `If-Match` or `If-None-Match` header, or of a `version` in a bulk request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tags {
    /// `*`: whatever is there.
    Any,
    /// One of these, without quotes; weak and strong tags compare alike.
    These(Vec<String>),
}

impl Tags {
    /// Reads a header's value: `*`, or tags divided by commas, of which some may divide nothing (RFC 9110 section
    /// 5.6.1.2).
    ///
    /// # Errors
    /// `invalidSyntax` for anything else: taking it for no condition could overwrite what the client protects.
    pub fn parse(header: &str) -> Result<Self> {
        let mut rest = header.trim();
        if rest == "*" {
            return Ok(Self::Any);
        }
        let refuse = || {
            ScimError::invalid_syntax(format!("{} is no list of entity tags such as W/\"7\"", quote(header)))
        };
        let mut tags = Vec::new();
        let is_between = |c: char| c == ',' || c.is_whitespace();
        loop {
            rest = rest.trim_start_matches(is_between);
            if rest.is_empty() && !tags.is_empty() {
                return Ok(Self::These(tags));
            }
            let quoted = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"').ok_or_else(refuse)?;
            let (tag, after) = quoted.split_once('"').ok_or_else(refuse)?;
            tags.push(tag.to_owned());
            rest = after.trim_start();
            if !rest.is_empty() && !rest.starts_with(',') {
                return Err(refuse());
            }
        }
    }

    /// Whether the version of this tag is among them.
    fn name_version(&self, current: &ETag) -> bool {
        let version = current.version.to_string();
        match self {
            Self::Any => true,
            Self::These(tags) => tags
                .iter()
                .any(|tag| tag.split_once('-').map_or(tag.as_str(), |(version, _)| version) == version),
        }
    }

    /// Whether this tag is among them: the version and all else that it shows.
    fn include(&self, current: &ETag) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags.contains(&current.opaque()),
        }
    }
}

/// What must be true of a resource for a request to be executed (RFC 9110 section 13.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// `If-Match`: the versions of which it must have one.
    pub if_match: Option<Tags>,
    /// `If-None-Match`: those of which it must have none.
    pub if_none_match: Option<Tags>,
}

impl Conditions {
    /// A request that is executed whatever is there.
    pub const NONE: Self = Self { if_match: None, if_none_match: None };

    /// Whether a resource of this tag may be changed. Versions alone count: a change leaves alone what else a tag
    /// stands for.
    ///
    /// # Errors
    /// `preconditionFailed`, with the version that there is.
    pub fn allow_change(&self, current: &ETag) -> Result<()> {
        let is_unwanted = self.if_none_match.as_ref().is_some_and(|tags| tags.name_version(current));
        match is_unwanted {
            _ if !self.wants(current) => Err(failed(current)),
            true => Err(unwanted(current)),
            false => Ok(()),
        }
    }

    /// Whether a resource of this tag is sent, or else the client has it already. `If-Match` is looked at first
    /// (section 13.2.2).
    ///
    /// # Errors
    /// `preconditionFailed`, with the version that there is.
    pub fn allow_reading(&self, current: &ETag) -> Result<Reading> {
        match &self.if_none_match {
            _ if !self.wants(current) => Err(failed(current)),
            Some(known) if known.include(current) => Ok(Reading::NotModified),
            _ => Ok(Reading::Whole),
        }
    }

    fn wants(&self, current: &ETag) -> bool {
        self.if_match.as_ref().is_none_or(|tags| tags.name_version(current))
    }
}

/// What a client that reads a resource gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The resource.
    Whole,
    /// That it is what the client has.
    NotModified,
}

fn failed(current: &ETag) -> ScimError {
    let detail = format!("the resource is at version {current} now; read it and send the request again");
    ScimError::new(ErrorKind::PreconditionFailed, detail)
}

fn unwanted(current: &ETag) -> ScimError {
    let detail = format!(
        "the resource is there at version {current}, which If-None-Match excludes; leave that out to change it"
    );
    ScimError::new(ErrorKind::PreconditionFailed, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(header: &str) -> Tags {
        Tags::parse(header).unwrap()
    }

    /// RFC 7644 section 3.14.
    #[test]
    fn tags_are_weak() {
        assert_eq!(ETag::new(7).to_string(), r#"W/"7""#);
        assert_eq!(ETag::beside(7, "c0ffee").to_string(), r#"W/"7-c0ffee""#);
    }

    #[test]
    fn a_change_is_allowed_for_the_version_that_the_client_read() {
        let if_match = |header| Conditions { if_match: Some(tags(header)), ..Conditions::NONE };
        for header in [r#"W/"7""#, r#""7""#, r#" "6" , W/"7-c0ffee" "#, "*"] {
            assert!(if_match(header).allow_change(&ETag::beside(7, "beef")).is_ok(), "{header}");
        }
        for header in [r#"W/"8""#, r#""""#, r#""77""#, r#""6","8""#, r#""7x""#] {
            let refused = if_match(header).allow_change(&ETag::new(7)).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::PreconditionFailed, "{header}");
        }
        assert!(Conditions::NONE.allow_change(&ETag::new(7)).is_ok());
    }

    /// RFC 9110 section 13.1.2.
    #[test]
    fn a_change_is_refused_for_the_versions_that_the_client_does_not_want() {
        let allows = |if_match: Option<&str>, if_none_match| {
            let conditions =
                Conditions { if_match: if_match.map(tags), if_none_match: Some(tags(if_none_match)) };
            conditions.allow_change(&ETag::beside(7, "beef")).is_ok()
        };
        for header in [r#"W/"7""#, r#""6", W/"7-c0ffee""#, "*"] {
            assert!(!allows(None, header) && !allows(Some("*"), header), "{header}");
        }
        assert!(allows(None, r#"W/"6""#) && allows(Some(r#"W/"7""#), r#"W/"6""#));
        assert!(!allows(Some(r#"W/"8""#), r#"W/"6""#));
    }

    #[test]
    fn a_refusal_says_what_can_be_done() {
        let refusal = |if_match: Option<&str>, if_none_match: Option<&str>| {
            let conditions =
                Conditions { if_match: if_match.map(tags), if_none_match: if_none_match.map(tags) };
            conditions.allow_change(&ETag::new(7)).unwrap_err().detail().to_owned()
        };
        for if_none_match in [None, Some("*")] {
            assert!(refusal(Some(r#""6""#), if_none_match).ends_with("read it and send the request again"));
        }
        assert!(refusal(Some("*"), Some("*")).ends_with("leave that out to change it"));
    }

    #[test]
    fn what_the_client_has_is_what_it_was_shown() {
        let current = ETag::beside(7, "c0ffee");
        let read = |if_match: Option<&str>, if_none_match| {
            let conditions =
                Conditions { if_match: if_match.map(tags), if_none_match: Some(tags(if_none_match)) };
            conditions.allow_reading(&current).map_err(|error| error.kind())
        };
        let shown = current.to_string();
        for known in [shown.as_str(), "*"] {
            assert_eq!(read(None, known), Ok(Reading::NotModified));
            assert_eq!(read(Some(r#""6""#), known), Err(ErrorKind::PreconditionFailed));
        }
        for older in [r#"W/"7-beef""#, r#"W/"7""#] {
            assert_eq!(read(Some("*"), older), Ok(Reading::Whole));
        }
    }

    /// RFC 9110 section 8.8.3: a tag may hold commas.
    #[test]
    fn a_comma_within_a_tag_divides_nothing() {
        assert_eq!(tags(r#""a,b", W/"c""#), Tags::These(vec!["a,b".into(), "c".into()]));
    }

    /// RFC 9110 section 5.6.1.2.
    #[test]
    fn commas_that_divide_nothing_are_ignored() {
        for header in [r#""9","8""#, r#""9",,"8""#, r#", "9" , ,"8","#, r#""9","8",, "#] {
            assert_eq!(tags(header), Tags::These(vec!["9".into(), "8".into()]), "{header}");
        }
    }

    #[test]
    fn what_is_no_list_of_tags_is_refused() {
        for header in
            ["", "7", "\"7", "7\"", "W/7", "\"7\" \"8\"", ",", " , ,", "*,\"7\"", "\"7\",*", "w/\"7\""]
        {
            assert!(Tags::parse(header).is_err(), "{header}");
        }
    }
}

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
    /// Reads a header's value: `*`, or tags divided by commas.
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
        loop {
            let quoted = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"').ok_or_else(refuse)?;
            let (tag, after) = quoted.split_once('"').ok_or_else(refuse)?;
            tags.push(tag.to_owned());
            match after.trim_start().strip_prefix(',') {
                Some(next) => rest = next.trim_start(),
                None if after.trim_start().is_empty() => return Ok(Self::These(tags)),
                None => return Err(refuse()),
            }
        }
    }

    /// As `If-Match`: refuses a resource of another version.
    ///
    /// # Errors
    /// `preconditionFailed`, with the version that there is.
    pub fn check(&self, current: &ETag) -> Result<()> {
        if self.allow_change(current) {
            return Ok(());
        }
        let detail = format!("the resource is at version {current} now; read it and send the request again");
        Err(ScimError::new(ErrorKind::PreconditionFailed, detail))
    }

    /// As `If-Match`: whether a resource of this tag may be changed.
    fn allow_change(&self, current: &ETag) -> bool {
        let version = current.version.to_string();
        match self {
            Self::Any => true,
            Self::These(tags) => tags
                .iter()
                .any(|tag| tag.split_once('-').map_or(tag.as_str(), |(version, _)| version) == version),
        }
    }

    /// As `If-None-Match`: whether the client has the resource of this tag already.
    pub fn include(&self, current: &ETag) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags.contains(&current.opaque()),
        }
    }
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
        for header in [r#"W/"7""#, r#""7""#, r#" "6" , W/"7-c0ffee" "#, "*"] {
            assert!(tags(header).allow_change(&ETag::beside(7, "beef")), "{header}");
        }
        for header in [r#"W/"8""#, r#""""#, r#""77""#, r#""6","8""#, r#""7x""#] {
            assert!(!tags(header).allow_change(&ETag::new(7)), "{header}");
        }
    }

    #[test]
    fn what_the_client_has_is_what_it_was_shown() {
        let current = ETag::beside(7, "c0ffee");
        assert!(tags(&current.to_string()).include(&current) && tags("*").include(&current));
        assert!(!tags(r#"W/"7-beef""#).include(&current));
        assert!(!tags(r#"W/"7""#).include(&current));
    }

    /// RFC 9110 section 8.8.3: a tag may hold commas.
    #[test]
    fn a_comma_within_a_tag_divides_nothing() {
        assert_eq!(tags(r#""a,b", W/"c""#), Tags::These(vec!["a,b".into(), "c".into()]));
    }

    #[test]
    fn what_is_no_list_of_tags_is_refused() {
        for header in ["", "7", "\"7", "7\"", "W/7", "\"7\" \"8\"", "\"7\",", "*,\"7\"", "w/\"7\""] {
            assert!(Tags::parse(header).is_err(), "{header}");
        }
    }
}

//! Objects that cannot be read, and whom that leaves in doubt.

use std::sync::Arc;

use super::{
    Answer, Error,
    output::{tell, visible},
};
use crate::access::Index;

/// How many things that cannot be read are named.
const NAMED: usize = 5;

/// Something that cannot be read.
#[derive(Clone, Debug)]
pub struct Unread {
    /// What, and why.
    pub told: String,
    /// The provider that it is of; nothing where nobody knows, or where it may be about anyone.
    pub of: Option<Arc<str>>,
}

impl Unread {
    /// Whether what is said of a provider's people may be otherwise because of it. One that correlates with theirs, or
    /// that cannot be read itself, may have deactivated them, or give them something.
    fn concerns(&self, provider: &str, index: &Index) -> bool {
        let may_correlate =
            |name: &str| index.provider(name).is_none_or(|provider| provider.spec.correlate.is_some());
        self.of.as_deref().is_none_or(|of| of == provider || may_correlate(of) && may_correlate(provider))
    }
}

/// The answer about one provider's people, or about everybody's, unless what cannot be read may matter to it: that is
/// named on standard error, and what is not known makes no yes and no no.
///
/// # Errors
/// When standard error is gone.
pub fn conclude(
    answer: Answer,
    unread: &[Unread],
    provider: Option<&str>,
    index: &Index,
) -> Result<Answer, Error> {
    let matters = |object: &&Unread| provider.is_none_or(|provider| object.concerns(provider, index));
    let unread: Vec<&Unread> = unread.iter().filter(matters).collect();
    for object in unread.iter().take(NAMED) {
        tell(&visible(&object.told))?;
    }
    match unread.len() {
        0 => Ok(answer),
        objects => {
            tell(&format!("{objects} objects cannot be read, so this may not be all"))?;
            Ok(Answer::Unknown)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        access::{Bindable, Protected},
        directory::view::Directory,
    };

    fn index(providers: Value) -> Index {
        let mut index = Index::new(Bindable::Any, Protected::default());
        for (name, spec) in providers.as_object().unwrap() {
            let provider = json!({"apiVersion": "scim-operator.dev/v1alpha1", "kind": "ScimProvider",
                "metadata": {"name": name}, "spec": spec});
            index.apply_provider(serde_json::from_value(provider).unwrap(), &Directory::default());
        }
        index
    }

    #[test]
    fn what_is_another_providers_matters_where_the_two_may_share_people() {
        let correlate = json!({"correlate": {"deactivateBy": "Any"}});
        let index = index(json!({"okta": {}, "entra": {}, "ping": correlate, "jumpcloud": correlate}));
        let concerns = |of: Option<&str>, provider: &str| {
            Unread { told: String::new(), of: of.map(Into::into) }.concerns(provider, &index)
        };
        assert!(concerns(Some("okta"), "okta") && concerns(None, "okta"));
        assert!(!concerns(Some("entra"), "okta") && !concerns(Some("ping"), "okta"));
        assert!(concerns(Some("ping"), "jumpcloud") && !concerns(Some("okta"), "jumpcloud"));
        assert!(concerns(Some("unreadable"), "ping"), "it may correlate");
        assert!(!concerns(Some("unreadable"), "okta"));
    }
}

//! Who stands in a binding.

use std::sync::Arc;

use k8s_openapi::{
    Resource as _,
    api::rbac::v1::{self as rbac, RoleBinding},
};

/// Who stands in a binding.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// Someone whom the authenticator calls so.
    User(Arc<str>),
    /// Everyone whose token carries this group.
    Group(Arc<str>),
    /// What the operator never writes, such as a service account.
    Other(Arc<str>),
}

impl Subject {
    /// The string that RBAC compares.
    pub fn name(&self) -> &Arc<str> {
        match self {
            Self::User(name) | Self::Group(name) | Self::Other(name) => name,
        }
    }

    /// A subject as Kubernetes writes it.
    pub fn of(subject: &rbac::Subject) -> Self {
        let name = subject.name.as_str();
        match (subject.kind.as_str(), subject.api_group.as_deref()) {
            ("User", Some(RoleBinding::GROUP)) => Self::User(name.into()),
            ("Group", Some(RoleBinding::GROUP)) => Self::Group(name.into()),
            (kind, _) => {
                Self::Other(format!("{kind} {}/{name}", subject.namespace.as_deref().unwrap_or("")).into())
            }
        }
    }

    pub(super) fn object(&self) -> rbac::Subject {
        let kind = match self {
            Self::User(_) => "User",
            Self::Group(_) | Self::Other(_) => "Group",
        };
        rbac::Subject {
            api_group: Some(RoleBinding::GROUP.to_owned()),
            kind: kind.to_owned(),
            name: self.name().to_string(),
            namespace: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_account_is_nobody_whom_the_operator_wrote() {
        let account = rbac::Subject {
            kind: "ServiceAccount".to_owned(),
            name: "oidc:alice".to_owned(),
            namespace: Some("team-a".to_owned()),
            api_group: None,
        };
        assert_eq!(Subject::of(&account), Subject::Other("ServiceAccount team-a/oidc:alice".into()));
    }
}

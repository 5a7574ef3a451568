//! Questions to the API server in somebody else's name.

use std::collections::BTreeSet;

use k8s_openapi::api::{
    authentication::v1::SelfSubjectReview,
    authorization::v1::{
        SelfSubjectAccessReview, SelfSubjectAccessReviewSpec, SelfSubjectRulesReview,
        SelfSubjectRulesReviewSpec, SubjectAccessReviewStatus,
    },
};
use kube::{Api, Client, Config, api::PostParams};

use super::super::Error;
use crate::{
    access::Right,
    ops::kube_client::{Role, acting_as, request_client},
};

/// Someone in whose name the API server is asked.
pub struct Voice {
    client: Client,
    /// What the API server calls them.
    pub identity: String,
    /// The groups that it takes them for a member of.
    pub groups: Vec<String>,
}

/// What somebody may do in one place.
pub struct Listed {
    pub rights: BTreeSet<Right>,
    /// Why there may be more.
    pub incomplete: Option<String>,
}

impl Voice {
    /// Acts as a user of some groups, as soon as the API server confirms that this is who it hears.
    ///
    /// # Errors
    /// When it hears nobody, or somebody else.
    pub async fn new(config: &Config, user: &str, groups: &[String]) -> Result<Self, Error> {
        let acting =
            acting_as(config.clone(), user, groups).map_err(|_| format!("{user:?} cannot be sent"))?;
        let client = request_client(acting, Role::Command)?;
        let who =
            Api::all(client.clone()).create(&PostParams::default(), &SelfSubjectReview::default()).await;
        let who = who.map_err(|error| {
            let and_groups = if groups.is_empty() { "" } else { " and groups" };
            format!(
                "the API server lets you not act as {user:?}, which takes the right to impersonate users{and_groups}: \
                 {error}"
            )
        })?;
        let heard = who.status.and_then(|status| status.user_info).unwrap_or_default();
        match heard.username {
            Some(identity) if identity == user => {
                Ok(Self { client, identity, groups: heard.groups.unwrap_or_default() })
            }
            other => Err(format!(
                "the API server takes {user:?} for {:?}: what it answers would prove nothing",
                other.unwrap_or_default()
            )
            .into()),
        }
    }

    /// What they may do in a namespace, what they may do everywhere included.
    ///
    /// # Errors
    /// When the API server does not say.
    pub async fn listed(&self, namespace: &str) -> kube::Result<Listed> {
        let spec = SelfSubjectRulesReviewSpec { namespace: Some(namespace.to_owned()) };
        let review = SelfSubjectRulesReview { spec, ..SelfSubjectRulesReview::default() };
        let answer = Api::all(self.client.clone()).create(&PostParams::default(), &review).await?;
        let answer = answer.status.unwrap_or_default();
        let incomplete = answer.incomplete.then(|| answer.evaluation_error.clone().unwrap_or_default());
        Ok(Listed { rights: Right::listed(&answer), incomplete })
    }

    /// Whether they may do that, and why.
    ///
    /// # Errors
    /// When the API server does not say.
    pub async fn may(&self, spec: SelfSubjectAccessReviewSpec) -> kube::Result<SubjectAccessReviewStatus> {
        let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
        let answer = Api::all(self.client.clone()).create(&PostParams::default(), &review).await?;
        Ok(answer.status.unwrap_or_default())
    }
}

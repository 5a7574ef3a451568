//! The bearer tokens that open providers, by their hashes.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use kube::ResourceExt;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::watch::{Listed, is_unchanged};
use crate::api::ScimToken;

/// Every ScimToken of the cluster, as one process knows them.
#[derive(Debug, Default)]
pub(super) struct Tokens(ArcSwap<Vec<Arc<Token>>>);

/// What a ScimToken says, and when it was last used here.
#[derive(Debug)]
pub(super) struct Token {
    name: Arc<str>,
    provider: Arc<str>,
    sha256: [u8; 32],
    object: ScimToken,
    /// In seconds since 1970; 0 if never.
    last_used: AtomicI64,
}

/// What comes of a token that somebody presents.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It opens the provider.
    Valid(Arc<Token>),
    /// It did, until it expired.
    Expired(Arc<Token>),
    /// It does not, or not this provider.
    Invalid,
}

impl Tokens {
    /// Takes all ScimTokens that there are. One that cannot be read opens nothing, and neither does one that is being
    /// deleted, whatever finalizer keeps its object.
    pub(super) fn replace(&self, listed: &Listed<ScimToken>) {
        let all = self.all();
        let before: HashMap<_, _> = all.iter().map(|token| (token.object.uid(), token)).collect();
        let tokens = listed.iter().filter_map(|object| match &object.0 {
            Ok(object) if object.metadata.deletion_timestamp.is_some() => None,
            Ok(object) => match before.get(&object.uid()) {
                Some(same) if is_unchanged(&same.object, object) => Some(Arc::clone(same)),
                before => Token::new(object, before.copied()).map(Arc::new),
            },
            Err(error) => {
                tracing::warn!(%error, token = object.name_any(), "token.unreadable");
                None
            }
        });
        self.0.store(Arc::new(tokens.collect()));
    }

    /// All of them.
    pub(super) fn all(&self) -> Arc<Vec<Arc<Token>>> {
        self.0.load_full()
    }

    /// Judges a token that is presented for a provider, or for none in particular.
    ///
    /// Hashes are compared, in constant time, and with every token there is: how long it takes tells neither
    /// how much of a token is right nor which providers exist.
    pub(super) fn judge(&self, presented: &str, provider: Option<&str>, now: Timestamp) -> Verdict {
        let sha256: [u8; 32] = Sha256::digest(presented.as_bytes()).into();
        let mut verdict = Verdict::Invalid;
        for token in self.all().iter() {
            let is_it = bool::from(token.sha256.ct_eq(&sha256));
            if is_it && provider.is_none_or(|provider| *provider == *token.provider) {
                verdict = match (token.expires_at(), verdict) {
                    (_, valid @ Verdict::Valid(_)) => valid,
                    (Some(end), _) if end <= now => Verdict::Expired(token.clone()),
                    _ => Verdict::Valid(token.clone()),
                };
            }
        }
        verdict
    }
}

impl Token {
    fn new(object: &ScimToken, before: Option<&Arc<Self>>) -> Option<Self> {
        Some(Self {
            name: object.name_any().into(),
            provider: object.spec.provider.as_str().into(),
            // The API server takes nothing but a hash here.
            sha256: from_hex(&object.spec.sha256)?,
            object: object.clone(),
            last_used: AtomicI64::new(before.map_or(0, |before| before.last_used.load(Ordering::Relaxed))),
        })
    }

    /// The name of its object.
    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The provider that it opens.
    pub(super) fn provider(&self) -> &Arc<str> {
        &self.provider
    }

    /// When it ceases to open anything.
    pub(super) fn expires_at(&self) -> Option<Timestamp> {
        self.object.spec.expires_at
    }

    /// Its object.
    pub(super) fn object(&self) -> &ScimToken {
        &self.object
    }

    /// Takes note that it was used.
    pub(super) fn note_use(&self, now: Timestamp) {
        self.last_used.fetch_max(now.as_second(), Ordering::Relaxed);
    }

    /// When it was last used in this process.
    pub(super) fn last_used(&self) -> Option<Timestamp> {
        match self.last_used.load(Ordering::Relaxed) {
            0 => None,
            seconds => Timestamp::from_second(seconds).ok(),
        }
    }
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let digits = text.as_bytes().chunks_exact(2);
    if text.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use kube::core::DeserializeGuard;

    use super::*;
    use crate::api::{ScimTokenSpec, hex};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn token(name: &str, provider: &str, secret: &str, expires_at: Option<i64>) -> ScimToken {
        let sha256 = hex(&Sha256::digest(secret));
        let mut token = ScimToken::new(
            name,
            ScimTokenSpec {
                provider: provider.to_owned(),
                sha256,
                expires_at: expires_at.map(|seconds| Timestamp::from_second(seconds).unwrap()),
                description: None,
            },
        );
        token.metadata.uid = Some(format!("uid of {name}"));
        token
    }

    fn listed(objects: impl IntoIterator<Item = ScimToken>) -> Listed<ScimToken> {
        objects.into_iter().map(|object| Arc::new(DeserializeGuard(Ok(object)))).collect()
    }

    fn of(objects: impl IntoIterator<Item = ScimToken>) -> Tokens {
        let tokens = Tokens::default();
        tokens.replace(&listed(objects));
        tokens
    }

    /// The verdict in a word, with the token's name.
    fn judged(tokens: &Tokens, presented: &str, provider: Option<&str>) -> String {
        match tokens.judge(presented, provider, NOW) {
            Verdict::Valid(token) => format!("valid {}", token.name()),
            Verdict::Expired(token) => format!("expired {}", token.name()),
            Verdict::Invalid => "invalid".to_owned(),
        }
    }

    #[test]
    fn a_token_opens_its_provider_and_no_other() {
        let tokens = of([token("a", "okta", "scim_1", None), token("b", "entra", "scim_2", None)]);
        assert_eq!(judged(&tokens, "scim_1", Some("okta")), "valid a");
        assert_eq!(judged(&tokens, "scim_1", Some("entra")), "invalid");
        assert_eq!(judged(&tokens, "scim_1", Some("nobody")), "invalid");
        assert_eq!(judged(&tokens, "scim_1", None), "valid a");
        assert_eq!(judged(&tokens, "scim_", Some("okta")), "invalid");
        assert_eq!(judged(&tokens, "", Some("okta")), "invalid");
    }

    #[test]
    fn several_tokens_open_one_provider_at_once() {
        let tokens = of([token("old", "okta", "scim_1", Some(1)), token("new", "okta", "scim_2", None)]);
        assert_eq!(judged(&tokens, "scim_1", Some("okta")), "valid old");
        assert_eq!(judged(&tokens, "scim_2", Some("okta")), "valid new");
    }

    #[test]
    fn a_token_ends_at_its_expiry() {
        let tokens =
            of([token("ended", "okta", "scim_1", Some(0)), token("last second", "okta", "scim_2", Some(1))]);
        assert_eq!(judged(&tokens, "scim_1", Some("okta")), "expired ended");
        assert_eq!(judged(&tokens, "scim_2", Some("okta")), "valid last second");
    }

    #[test]
    fn a_token_that_is_being_deleted_opens_nothing() {
        let tokens = of([token("a", "okta", "scim_1", None)]);
        let mut going = token("a", "okta", "scim_1", None);
        going.metadata.deletion_timestamp = Some(Time(NOW));
        going.metadata.finalizers = Some(vec!["example.com/audit".to_owned()]);
        tokens.replace(&listed([going]));
        assert_eq!(judged(&tokens, "scim_1", Some("okta")), "invalid");
    }

    #[test]
    fn the_same_token_under_two_names_counts_while_one_is_valid() {
        for order in [["a", "b"], ["b", "a"]] {
            let expiry = |name| if name == "a" { Some(0) } else { None };
            let tokens = of(order.map(|name| token(name, "okta", "scim_1", expiry(name))));
            assert_eq!(judged(&tokens, "scim_1", Some("okta")), "valid b");
        }
    }

    #[test]
    fn a_deleted_token_opens_nothing_and_the_others_keep_their_last_use() {
        let tokens = of([token("a", "okta", "scim_1", None), token("b", "okta", "scim_2", None)]);
        let used = Timestamp::from_second(7).unwrap();
        tokens.all().iter().for_each(|token| token.note_use(used));
        tokens.replace(&listed([token("b", "okta", "scim_2", None)]));
        assert_eq!(judged(&tokens, "scim_1", Some("okta")), "invalid");
        assert_eq!(tokens.all()[0].last_used(), Some(used));
    }

    #[test]
    fn a_change_of_one_token_leaves_the_others_as_they_are() {
        let at = |version: &str, name, expires_at| {
            let mut token = token(name, "okta", name, expires_at);
            token.metadata.resource_version = Some(version.to_owned());
            token
        };
        let tokens = of([at("1", "a", None), at("2", "b", None)]);
        let before = tokens.all();
        tokens.replace(&listed([at("1", "a", None), at("3", "b", Some(0))]));
        assert!(Arc::ptr_eq(&before[0], &tokens.all()[0]));
        assert_eq!(judged(&tokens, "b", Some("okta")), "expired b");
    }

    #[test]
    fn a_hash_that_is_none_opens_nothing() {
        for hash in ["", "00", &"zz".repeat(32), &"é".repeat(32), &"0".repeat(66)] {
            assert_eq!(from_hex(hash), None);
        }
    }
}

use std::{
    io::{self, Write},
    time::Duration,
};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, PostParams},
};
use sha2::{Digest, Sha256};

use super::{Error, kubernetes, output::Output, provider::exists};
use crate::{
    api::{ScimProvider, ScimToken, ScimTokenSpec, hex},
    ops::clock,
};

/// How many random bytes a token holds: 256 bits, so that its hash can be shown to anybody.
const RANDOM_BYTES: usize = 32;

/// The shortest time for which a token may hold: moments in objects are in whole seconds.
const SHORTEST: Duration = Duration::from_secs(1);

/// Arguments of `scim-operator token`.
#[derive(Debug, Args)]
pub struct Token {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a bearer token for a provider and show it, once.
    Create(Create),
    /// List tokens, of one provider or of all.
    List(List),
    /// Revoke a token at once.
    Revoke(Revoke),
}

#[derive(Debug, Args)]
struct Create {
    /// The ScimProvider that the token opens.
    provider: String,
    /// The name of the ScimToken; the provider's name and a random end, when absent.
    #[arg(long)]
    name: Option<String>,
    /// When the token stops working, counted from now, for example 8760h; never, when absent.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    expires_in: Option<Duration>,
    /// Who holds the token, for people.
    #[arg(long)]
    description: Option<String>,
    /// Print the ScimToken as YAML for Git instead of creating it; the token goes to standard error.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
struct List {
    /// Only this provider's.
    provider: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct Revoke {
    /// The ScimToken.
    name: String,
}

impl Token {
    pub fn run(self) -> Result<(), Error> {
        kubernetes(async |client| match self.command {
            Command::Create(create) => create.run(client).await,
            Command::List(list) => list.run(client).await,
            Command::Revoke(revoke) => revoke.run(client).await,
        })
    }
}

impl Create {
    async fn run(self, client: Client) -> Result<(), Error> {
        let token = random_token()?;
        let object = self.object(&token, clock::now())?;
        if self.dry_run {
            write!(io::stdout(), "{}", serde_saphyr::to_string(&object)?)?;
            writeln!(io::stderr(), "{token}")?;
            return Ok(());
        }
        let provider = &self.provider;
        if Api::<ScimProvider>::all(client.clone()).get_opt(provider).await?.is_none() {
            return Err(format!("there is no ScimProvider {provider}; create it first").into());
        }
        let created = Api::all(client).create(&PostParams::default(), &object).await?;
        writeln!(
            io::stderr(),
            "ScimToken {} is made. This is the token; it is not shown again:",
            created.name_any()
        )?;
        writeln!(io::stdout(), "{token}")?;
        Ok(())
    }

    fn object(&self, token: &str, now: Timestamp) -> Result<ScimToken, Error> {
        let digest = hex(&Sha256::digest(token));
        let name = self.name.clone().unwrap_or_else(|| format!("{}-{}", self.provider, &digest[..8]));
        let expires_at = match self.expires_in {
            Some(duration) => Some(now.checked_add(duration)?.round(jiff::Unit::Second)?),
            None => None,
        };
        let spec = ScimTokenSpec {
            provider: self.provider.clone(),
            sha256: digest,
            expires_at,
            description: self.description.clone(),
        };
        Ok(ScimToken::new(&name, spec))
    }
}

impl List {
    async fn run(self, client: Client) -> Result<(), Error> {
        let params = match &self.provider {
            Some(provider) => ListParams::default().fields(&format!("spec.provider={provider}")),
            None => ListParams::default(),
        };
        let all = Api::<ScimToken>::all(client.clone());
        let tokens = all.list(&params).await?.items;
        if let (true, Some(provider)) = (tokens.is_empty(), &self.provider) {
            exists(&client, provider).await?;
        }
        self.output.print(&tokens, ["NAME", "PROVIDER", "EXPIRES", "LAST-USED", "DESCRIPTION"], |token| {
            let time =
                |time: Option<Timestamp>, none: &str| time.map_or(none.to_owned(), |time| time.to_string());
            [
                token.name_any(),
                token.spec.provider.clone(),
                time(token.spec.expires_at, "never"),
                time(token.status.as_ref().and_then(|status| status.last_used_at), "-"),
                token.spec.description.clone().unwrap_or_default(),
            ]
        })
    }
}

impl Revoke {
    async fn run(self, client: Client) -> Result<(), Error> {
        let name = &self.name;
        match Api::<ScimToken>::all(client).delete(name, &DeleteParams::default()).await {
            Ok(_) => Ok(writeln!(io::stdout(), "ScimToken {name} is revoked")?),
            Err(kube::Error::Api(status)) if status.code == 404 => {
                Err(format!("there is no ScimToken {name}; `scim-operator token list` shows those that are")
                    .into())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// `scim_` and 256 random bits.
fn random_token() -> Result<String, Error> {
    let mut bytes = [0; RANDOM_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(format!("scim_{}", hex(&bytes)))
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration: kube::core::Duration = text.parse().map_err(|error| format!("{error}"))?;
    let is_long_enough = !duration.is_negative() && Duration::from(duration) >= SHORTEST;
    is_long_enough.then(|| duration.into()).ok_or_else(|| "a token holds for a second at least".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_256_random_bits_and_no_two_are_alike() {
        let token = random_token().unwrap();
        assert_eq!(token.len(), "scim_".len() + 64);
        assert_ne!(token, random_token().unwrap());
    }

    #[test]
    fn a_token_holds_for_a_second_at_least() {
        assert_eq!(duration("1h"), Ok(Duration::from_secs(3600)));
        for text in ["0s", "-1h", "1ms"] {
            assert_eq!(duration(text).unwrap_err(), "a token holds for a second at least");
        }
    }

    #[test]
    fn an_object_holds_the_hash_and_never_the_token() {
        let create = Create {
            provider: "okta".into(),
            name: None,
            expires_in: Some(Duration::from_secs(3600)),
            description: None,
            dry_run: false,
        };
        let object = create.object("scim_00", "2026-01-01T00:00:00.5Z".parse().unwrap()).unwrap();
        // printf scim_00 | sha256sum
        let digest = hex(&Sha256::digest("scim_00"));
        assert_eq!(object.spec.sha256, digest);
        assert_eq!(object.name_any(), format!("okta-{}", &digest[..8]));
        assert!(!serde_json::to_string(&object).unwrap().contains("scim_00"));
        assert_eq!(object.spec.expires_at.unwrap().to_string(), "2026-01-01T01:00:01Z");
    }
}

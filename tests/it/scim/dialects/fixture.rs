//! The format of `tests/dialects/*/*.yaml`; its README.md is what people read about it.

use http::Method;
use scim_operator::scim::mode::Mode;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Map, Value, json};

use super::{PATCH_OP, symbols::Symbols};

/// One file: what somebody sends, and what must come of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Fixture {
    /// Where it is, below `tests/dialects`.
    #[serde(skip)]
    pub(super) file: String,
    /// `Q5`; a walk has none.
    #[serde(default)]
    pub(super) quirk: Option<Quirk>,
    pub(super) sender: String,
    pub(super) why: String,
    #[serde(default = "compat")]
    pub(super) modes: Vec<ModeName>,
    #[serde(default)]
    pub(super) before: State,
    pub(super) steps: Vec<Step>,
    after: After,
    after_strict: Option<After>,
    after_ipsie: Option<After>,
}

/// The number of a quirk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Quirk(pub(super) u32);

#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) enum ModeName {
    Compat,
    Strict,
    Ipsie,
}

/// Who is in a directory, by symbolic names.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    #[serde(default)]
    pub(super) users: Map<String, Value>,
    #[serde(default)]
    pub(super) groups: Map<String, Value>,
}

/// A state, or `unchanged`.
#[derive(Debug)]
struct After(Option<State>);

/// One request, and its answer in each mode.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    pub(super) request: Line,
    #[serde(default)]
    query: Map<String, Value>,
    #[serde(default)]
    headers: Map<String, Value>,
    body: Option<Value>,
    operations: Option<Value>,
    text: Option<String>,
    answer: Answer,
    strict: Option<Answer>,
    ipsie: Option<Answer>,
    /// What the id in the answer is called from here on.
    pub(super) names: Option<String>,
    over: Option<Over>,
    because: Option<String>,
}

/// What a step has to do with.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Over {
    /// HTTP alone: the pure core has nothing of the kind.
    Http,
}

/// `PATCH /Groups/{team}`.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) method: Method,
    pub(super) target: String,
}

/// What is sent, with ids instead of symbols.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    /// Below the provider's URL, or with `/scim/v2/` below the host.
    pub(super) path: String,
    /// As it stands in the URL.
    pub(super) query: String,
    /// None takes away what is sent by default.
    pub(super) headers: Vec<(String, Option<String>)>,
    pub(super) body: Option<String>,
}

/// What must be answered.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) scim_type: Option<String>,
    pub(super) headers: Map<String, Value>,
    pub(super) body: Option<Value>,
    pub(super) absent: Vec<String>,
    pub(super) finds: Option<Vec<String>>,
}

impl Fixture {
    /// Reads a file, and says what is wrong with it.
    pub(super) fn parse(file: &str, yaml: &str) -> Result<Self, String> {
        let fixture: Self = serde_saphyr::from_str(yaml).map_err(|error| error.to_string())?;
        if fixture.sender.trim().is_empty() || fixture.why.trim().is_empty() {
            return Err("sender and why must say who sends this, and why".to_owned());
        }
        let tells_apart = fixture.after_strict.is_some()
            || fixture.after_ipsie.is_some()
            || fixture.steps.iter().any(|step| step.strict.is_some() || step.ipsie.is_some());
        if tells_apart && fixture.modes.len() == 1 {
            return Err("it says what other modes do, and modes does not name them".to_owned());
        }
        fixture.steps.iter().try_for_each(Step::check)?;
        Ok(Self { file: file.to_owned(), ..fixture })
    }

    /// Who must be there in the end.
    pub(super) fn after(&self, mode: Mode) -> &State {
        let After(state) = match mode {
            Mode::Compat => None,
            Mode::Strict => self.after_strict.as_ref(),
            Mode::Ipsie => self.after_ipsie.as_ref().or(self.after_strict.as_ref()),
        }
        .unwrap_or(&self.after);
        state.as_ref().unwrap_or(&self.before)
    }
}

impl Step {
    fn check(&self) -> Result<(), String> {
        let bodies = [self.body.is_some(), self.operations.is_some(), self.text.is_some()];
        if bodies.iter().filter(|given| **given).count() > 1 {
            return Err(format!("{}: body, operations and text exclude each other", self.request.target));
        }
        match (self.over, &self.because) {
            (Some(_), None) => Err(format!("{}: `over: http` needs a `because`", self.request.target)),
            (None, Some(_)) => Err(format!("{}: `because` belongs to `over: http`", self.request.target)),
            _ => Ok(()),
        }
    }

    /// Whether it is a matter of HTTP alone.
    pub(super) fn is_over_http(&self) -> bool {
        matches!(self.over, Some(Over::Http))
    }

    /// What must be answered in a mode.
    pub(super) fn answer(&self, mode: Mode) -> &Answer {
        match mode {
            Mode::Compat => None,
            Mode::Strict => self.strict.as_ref(),
            Mode::Ipsie => self.ipsie.as_ref().or(self.strict.as_ref()),
        }
        .unwrap_or(&self.answer)
    }

    /// What is sent.
    pub(super) fn request(&self, symbols: &Symbols) -> Result<Request, String> {
        let Line { method, target } = &self.request;
        let target = symbols.resolve(target)?;
        let (path, raw) = target.split_once('?').unwrap_or((&target, ""));
        let mut query: Vec<String> = Some(raw.to_owned()).filter(|raw| !raw.is_empty()).into_iter().collect();
        for (name, value) in &self.query {
            query.push(format!("{name}={}", encoded(&symbols.resolve(&text(value))?)));
        }
        let headers = self.headers.iter().map(|(name, value)| {
            let value = if value.is_null() { None } else { Some(symbols.resolve(&text(value))?) };
            Ok((name.clone(), value))
        });
        let patch = self.operations.as_ref().map(patch);
        let body = self.body.clone().or(patch).map(|body| symbols.resolve_all(&body)).transpose()?;
        let text = self.text.as_ref().map(|text| symbols.resolve(text)).transpose()?;
        Ok(Request {
            method: method.clone(),
            path: path.to_owned(),
            query: query.join("&"),
            headers: headers.collect::<Result<_, String>>()?,
            body: body.map(|body| body.to_string()).or(text),
        })
    }
}

impl Request {
    /// A request of the test's own.
    pub(super) fn new(method: Method, path: impl Into<String>, body: Option<&Value>) -> Self {
        let body = body.map(Value::to_string);
        Self { method, path: path.into(), query: String::new(), headers: Vec::new(), body }
    }
}

/// The body of a PATCH of these operations.
pub(super) fn patch(operations: &Value) -> Value {
    json!({"schemas": [PATCH_OP], "Operations": operations})
}

fn compat() -> Vec<ModeName> {
    vec![ModeName::Compat]
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl From<ModeName> for Mode {
    fn from(name: ModeName) -> Self {
        match name {
            ModeName::Compat => Self::Compat,
            ModeName::Strict => Self::Strict,
            ModeName::Ipsie => Self::Ipsie,
        }
    }
}

impl<'de> Deserialize<'de> for Quirk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let number =
            name.strip_prefix('Q').and_then(|number| number.parse().ok()).filter(|number| *number > 0);
        number.map(Self).ok_or_else(|| D::Error::custom(format!("{name} is no quirk such as Q5")))
    }
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let line = String::deserialize(deserializer)?;
        let (method, target) =
            line.split_once(' ').ok_or_else(|| D::Error::custom("a request is a method and a path"))?;
        Ok(Self { method: method.parse().map_err(D::Error::custom)?, target: target.to_owned() })
    }
}

impl<'de> Deserialize<'de> for After {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(word) if word == "unchanged" => Ok(Self(None)),
            state => serde_json::from_value(state).map(|state| Self(Some(state))).map_err(D::Error::custom),
        }
    }
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Whole {
            status: Option<Value>,
            #[serde(default)]
            headers: Map<String, Value>,
            body: Option<Value>,
            #[serde(default)]
            absent: Vec<String>,
            finds: Option<Vec<String>>,
        }
        let whole = match Value::deserialize(deserializer)? {
            whole @ Value::Object(_) => serde_json::from_value(whole).map_err(D::Error::custom)?,
            status => Whole {
                status: Some(status),
                headers: Map::new(),
                body: None,
                absent: Vec::new(),
                finds: None,
            },
        };
        let Whole { status, headers, body, absent, finds } = whole;
        let status = status.map_or_else(|| "200".to_owned(), |status| text(&status));
        let (status, scim_type) = match status.split_once(' ') {
            Some((status, scim_type)) => (status, Some(scim_type.to_owned())),
            None => (status.as_str(), None),
        };
        let status = status.parse().map_err(|_| D::Error::custom("a status is a number, such as 400"))?;
        Ok(Self { status, scim_type, headers, body, absent, finds })
    }
}

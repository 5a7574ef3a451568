//! From the people whom an app config means to the text that its application reads.
//!
//! One person must never decide for all. A person whose values cannot be written, or with whom the
//! text is not what it must be, is left out and named; everyone else is written, and whoever was to go is
//! gone. Only where the template itself is at fault is there no text.

use std::{collections::BTreeMap, sync::Arc};

use minijinja::Value;
use thiserror::Error;

use super::{
    escape::{Refusal, escape},
    person::{Person, Readable},
    preset::preset,
    template::{Template, TemplateError},
    validate::{Requirements, Unfit},
};
use crate::{
    api::{DirectoryReaders, Format, OnEmpty, ScimAppConfigSpec},
    directory::view::{Group, Selected, Selection, Source},
    scim::schema::ResourceSchema,
};

/// Everything that a text is made from but the people. Made once per change of the app config or its
/// provider.
#[derive(Debug)]
pub struct Renderer {
    template: Template,
    format: Format,
    requirements: Requirements,
    readable: Readable,
    parameters: Value,
    provider: String,
    on_empty: OnEmpty,
    placeholder: String,
}

/// An app config that makes no text.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Invalid {
    /// The template cannot be read, or fails whoever the people are.
    #[error("the template fails: {0}; it may read what the provider's appConfigs.attributes name")]
    Template(#[from] TemplateError),
    /// The text is not what it must be, and no person is to blame.
    #[error("the result is not written: {0}")]
    Unfit(#[from] Unfit),
    /// `validate.line` is no regular expression.
    #[error("validate.line is no regular expression: {0}")]
    Line(#[from] regex::Error),
}

/// What is to stand under the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The text; none where the key is to go.
    pub text: Option<String>,
    /// How many people it tells about.
    pub entries: usize,
    /// Whom it does not tell about, and why.
    pub left_out: Vec<LeftOut>,
}

/// A person or a group that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{kind} {id}: {reason}")]
pub struct LeftOut {
    /// `user` or `group`.
    pub kind: &'static str,
    /// The SCIM id.
    pub id: String,
    /// Why.
    pub reason: String,
}

/// A person, and the groups that named them, as indices.
struct Member {
    person: Arc<Person>,
    groups: Vec<usize>,
}

impl Renderer {
    /// Reads an app config whose provider lets it read this much of its people.
    ///
    /// # Errors
    /// When the template or the pattern cannot be read.
    pub fn new(
        spec: &ScimAppConfigSpec,
        readers: &DirectoryReaders,
        people: &ResourceSchema,
    ) -> Result<Self, Invalid> {
        let (source, format) = match spec.preset {
            Some(chosen) => preset(chosen),
            None => (spec.template.as_deref().unwrap_or_default(), spec.format),
        };
        Ok(Self {
            template: Template::new(source, format)?,
            format,
            requirements: Requirements::new(format, spec.validate.as_ref())?,
            readable: Readable::new(&readers.attributes, people),
            parameters: Value::from(spec.parameters.clone()),
            provider: spec.provider.clone(),
            on_empty: spec.on_empty,
            placeholder: spec.placeholder.clone().unwrap_or_default(),
        })
    }

    /// Renders the text for these people.
    ///
    /// # Errors
    /// When there is none, whoever is left out.
    pub fn render(&self, selection: &Selection) -> Result<Rendered, Invalid> {
        let (groups, mut left_out) = self.groups(selection);
        let everyone: Vec<_> =
            selection.people.iter().map(|selected| self.member(selected, &groups)).collect();
        let first = match self.text(&everyone, &groups) {
            Ok(text) => return Ok(Rendered { text, entries: everyone.len(), left_out }),
            Err(first) => first,
        };
        let mut written = Vec::new();
        let mut refused = Vec::new();
        for member in everyone {
            match self.text(std::slice::from_ref(&member), &groups) {
                Ok(_) => written.push(member),
                Err(problem) => refused.push((member, problem)),
            }
        }
        if refused.is_empty() || written.is_empty() && !self.are_at_fault(&refused, &groups) {
            return Err(first);
        }
        let text = self.text(&written, &groups)?;
        left_out.extend(refused.iter().map(|(member, problem)| left_out_person(&member.person, problem)));
        Ok(Rendered { text, entries: written.len(), left_out })
    }

    /// The text for these people and no others; none where the key is to go.
    fn text(&self, people: &[Member], groups: &[&Arc<Group>]) -> Result<Option<String>, Invalid> {
        let text = match self.on_empty {
            OnEmpty::RemoveKey if people.is_empty() => return Ok(None),
            OnEmpty::Placeholder if people.is_empty() => self.placeholder.clone(),
            _ => self.template.render(people.len(), self.context(people, groups))?,
        };
        self.requirements.check(&text)?;
        Ok(Some(text))
    }

    fn context(&self, people: &[Member], groups: &[&Arc<Group>]) -> BTreeMap<&'static str, Value> {
        let users: Vec<_> =
            people.iter().map(|member| Value::from_dyn_object(member.person.clone())).collect();
        let groups: Vec<_> = (0..)
            .zip(groups)
            .map(|(index, group)| {
                let named = people.iter().zip(&users).filter(|(member, _)| member.groups.contains(&index));
                group_value(group, named.map(|(_, user)| user.clone()).collect())
            })
            .collect();
        BTreeMap::from([
            ("users", users.into()),
            ("groups", groups.into()),
            ("parameters", self.parameters.clone()),
            ("provider", self.provider.as_str().into()),
        ])
    }

    fn member(&self, selected: &Selected, groups: &[&Arc<Group>]) -> Member {
        let named_by = |group: &Group| {
            selected
                .named_by
                .iter()
                .any(|source| matches!(source, Source::Group(by) if by.id() == group.id()))
        };
        let groups = (0..).zip(groups).filter(|(_, group)| named_by(group)).map(|(index, _)| index).collect();
        Member { person: Arc::new(self.readable.person(&selected.user)), groups }
    }

    /// The groups that the template may print, and those that it may not. None where it reads none.
    fn groups<'s>(&self, selection: &'s Selection) -> (Vec<&'s Arc<Group>>, Vec<LeftOut>) {
        let mut left_out = Vec::new();
        let mut groups = Vec::new();
        for group in selection.groups.iter().filter(|_| self.template.reads("groups")) {
            let named = [("displayName", Some(group.display_name())), ("externalId", group.external_id())];
            let refused = named
                .into_iter()
                .find_map(|(attribute, value)| Some((attribute, escape(self.format, value?).err()?)));
            match refused {
                None => groups.push(group),
                Some((attribute, refusal)) => left_out.push(LeftOut {
                    kind: "group",
                    id: group.id().to_string(),
                    reason: format!("{attribute} {refusal}"),
                }),
            }
        }
        (groups, left_out)
    }

    /// Whether it is for what they are that nobody can be written, and not for what the template does: their
    /// values are refused, and those of a harmless person are not.
    fn are_at_fault(&self, refused: &[(Member, Invalid)], groups: &[&Arc<Group>]) -> bool {
        let harmless =
            Member { person: Arc::new(self.readable.harmless()), groups: (0..groups.len()).collect() };
        let harmless = self.text(&[harmless], groups).err();
        refused.iter().all(|(_, problem)| problem.refusal().is_some())
            && harmless.is_none_or(|problem| problem.refusal().is_none())
    }
}

impl Invalid {
    fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Template(error) => error.refusal.as_ref(),
            Self::Unfit(_) | Self::Line(_) => None,
        }
    }
}

fn group_value(group: &Group, members: Vec<Value>) -> Value {
    let external_id = group.external_id().map(|id| ("externalId", Value::from(id)));
    let own = [
        ("displayName", group.display_name().into()),
        ("id", group.id().to_string().into()),
        ("members", members.into()),
    ];
    Value::from_pairs(own.into_iter().chain(external_id))
}

fn left_out_person(person: &Person, problem: &Invalid) -> LeftOut {
    let reason = match problem.refusal() {
        Some(refusal) => match person.refused(refusal) {
            Some(attribute) => format!("{attribute} {refusal}"),
            None => refusal.to_string(),
        },
        None => problem.to_string(),
    };
    LeftOut { kind: "user", id: person.id().to_owned(), reason }
}

#[cfg(test)]
mod tests;

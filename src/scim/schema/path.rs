//! Attribute names as clients write them (RFC 7644 section 3.10): `[urn:]attribute[.sub-attribute]`.

use super::{AttributeRef, ResourceSchema, Schema};
use crate::scim::mode::{BareNames, Mode};

/// What an attribute name means in a resource type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Located<'a> {
    /// Everything that a schema defines: its URN alone.
    Schema(&'a Schema),
    /// An attribute.
    Attribute(AttributeRef<'a>),
    /// A sub-attribute of the first one.
    SubAttribute(AttributeRef<'a>, &'a super::Attribute),
}

impl ResourceSchema {
    /// What `name` means here, in any case; none when no schema knows it. Before an extension's attribute
    /// a dot is as good as a colon, since Entra writes both.
    pub fn locate(&self, name: &str) -> Option<Located<'_>> {
        let (urn, name) = match self.leading_urn(name) {
            Some((schema, "")) => return Some(Located::Schema(schema)),
            Some((schema, rest)) => (Some(schema.id.as_ref()), rest.strip_prefix([':', '.'])?),
            None => (None, name),
        };
        match name.split_once('.') {
            None => self.attribute(urn, name).map(Located::Attribute),
            Some((name, sub)) => {
                let parent = self.attribute(urn, name)?;
                Some(Located::SubAttribute(parent, parent.attribute.sub(sub)?))
            }
        }
    }

    /// The same of what a request names, where the mode may understand names of extensions without their URN.
    pub fn find(&self, name: &str, mode: Mode) -> Option<Located<'_>> {
        self.locate(name).or_else(|| {
            let (name, sub) = name.split_once('.').map_or((name, None), |(name, sub)| (name, Some(sub)));
            let at = self.bare(name, mode)?;
            match sub {
                None => Some(Located::Attribute(at)),
                Some(sub) => Some(Located::SubAttribute(at, at.attribute.sub(sub)?)),
            }
        })
    }

    /// The attribute of an extension that a name without its URN means, where the mode understands such names: one
    /// that the core schema lacks and one extension alone has.
    pub fn bare(&self, name: &str, mode: Mode) -> Option<AttributeRef<'_>> {
        if mode.switches().bare_names == BareNames::Unknown || self.attribute(None, name).is_some() {
            return None;
        }
        let mut having = self.extensions().iter().filter_map(|extension| {
            let attribute = extension.attribute(name)?;
            Some(AttributeRef { urn: Some(&extension.id), attribute })
        });
        having.next().filter(|_| having.next().is_none())
    }

    /// The schema whose URN begins `name`, and what follows it; the longest one, since a URN may begin another.
    fn leading_urn<'n>(&self, name: &'n str) -> Option<(&Schema, &'n str)> {
        std::iter::once(self.core())
            .chain(self.extensions())
            .filter_map(|schema| {
                let (urn, rest) = name.split_at_checked(schema.id.len())?;
                (schema.is(urn) && (rest.is_empty() || rest.starts_with([':', '.'])))
                    .then_some((schema, rest))
            })
            .min_by_key(|(_, rest)| rest.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::schema::{Attribute, ResourceKind, Type, core};

    /// What `name` means to a user, written canonically.
    fn locate(name: &str) -> Option<String> {
        let longer = Schema {
            id: format!("{}:2", core::ENTERPRISE_USER).into(),
            name: "".into(),
            description: "".into(),
            attributes: vec![Attribute::new("badge", Type::String, "")],
        };
        let users = ResourceSchema::new(ResourceKind::User, [longer]);
        users.locate(name).map(|located| match located {
            Located::Schema(schema) => schema.id.to_string(),
            Located::Attribute(a) => format!("{}/{}", a.urn.unwrap_or_default(), a.attribute.name),
            Located::SubAttribute(a, sub) => {
                format!("{}/{}/{}", a.urn.unwrap_or_default(), a.attribute.name, sub.name)
            }
        })
    }

    /// RFC 7643 section 2.1; quirk Q13.
    #[test]
    fn names_and_urns_are_found_in_any_case() {
        assert_eq!(locate("USERNAME").as_deref(), Some("/userName"));
        assert_eq!(locate("Meta.Created").as_deref(), Some("/meta/created"));
        assert_eq!(
            locate("URN:ietf:params:scim:schemas:core:2.0:user:Name.givenname").as_deref(),
            Some("/name/givenName")
        );
    }

    /// Quirk Q15.
    #[test]
    fn an_extension_attribute_may_stand_after_a_colon_or_a_dot() {
        let department = Some(format!("{}/department", core::ENTERPRISE_USER));
        assert_eq!(locate(&format!("{}:department", core::ENTERPRISE_USER)), department);
        assert_eq!(locate(&format!("{}.department", core::ENTERPRISE_USER)), department);
        let manager = Some(format!("{}/manager/displayName", core::ENTERPRISE_USER));
        assert_eq!(locate(&format!("{}:manager.displayName", core::ENTERPRISE_USER)), manager);
    }

    #[test]
    fn a_urn_alone_is_its_schema() {
        assert_eq!(locate(core::ENTERPRISE_USER).as_deref(), Some(core::ENTERPRISE_USER));
    }

    #[test]
    fn of_two_urns_that_fit_the_longer_one_counts() {
        let badge = Some(format!("{}:2/badge", core::ENTERPRISE_USER));
        assert_eq!(locate(&format!("{}:2:badge", core::ENTERPRISE_USER)), badge);
    }

    /// Quirk Q35.
    #[test]
    fn a_bare_name_is_the_one_extensions_that_has_it() {
        let custom = |urn: &'static str, names: &[&'static str]| Schema {
            id: urn.into(),
            name: "".into(),
            description: "".into(),
            attributes: names.iter().map(|name| Attribute::new(*name, Type::String, "")).collect(),
        };
        let extensions =
            [custom("urn:x:a", &["badge", "desk", "title"]), custom("urn:x:b", &["DESK", "division"])];
        let users = ResourceSchema::new(ResourceKind::User, extensions);
        let urn = |name: &str, mode| match users.find(name, mode)? {
            Located::Attribute(at) | Located::SubAttribute(at, _) => at.urn,
            Located::Schema(_) => None,
        };
        for (name, of) in [
            ("Manager", Some(core::ENTERPRISE_USER)),
            ("manager.value", Some(core::ENTERPRISE_USER)),
            ("badge", Some("urn:x:a")),
            ("desk", None),
            ("division", None),
            ("title", None),
            ("manager.x", None),
            ("badge.x", None),
        ] {
            assert_eq!(Mode::ALL.map(|mode| urn(name, mode)), [of, None, None], "{name}");
        }
        assert!(users.find("title", Mode::Compat).is_some());
        assert!(users.find("urn:x:b:desk", Mode::Strict).is_some());
    }

    #[test]
    fn what_no_schema_knows_is_nowhere() {
        for name in
            ["", ".", ":", "userNam", "name.", "name.x", "name.givenName.x", "userName.x", "ü", "urn:x:y"]
        {
            assert_eq!(locate(name), None, "{name}");
        }
        assert_eq!(locate(&format!("{}:", core::ENTERPRISE_USER)), None);
        assert_eq!(locate(&format!("{}x", core::ENTERPRISE_USER)), None);
        assert_eq!(locate("department"), None);
    }
}

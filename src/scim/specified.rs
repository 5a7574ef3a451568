//! What a change specifies of the attributes that answers have on request alone: RFC 7643 section 7 has those in
//! the answer to the POST, PUT or PATCH as well.

use serde_json::{Map, Value};

use super::mode::Mode;
use super::object;
use super::path::Path;
use super::schema::{Attribute, AttributeRef, Located, ResourceSchema, Returned};
use super::sent::{Sent, sent};

/// The attributes and sub-attributes of `returned: request` that a change specifies, as names that a schema locates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Specified(Vec<String>);

impl Specified {
    /// Those to which the body of a POST or PUT gives a value, or that the operations of a PATCH name. What
    /// cannot be read specifies nothing.
    pub fn by(body: &Value, schema: &ResourceSchema, mode: Mode) -> Self {
        let extensions = schema.extensions().iter();
        let mut defined = extensions.flat_map(|extension| &extension.attributes);
        let has_any = |attribute: &Attribute| {
            is_on_request(attribute) || attribute.sub_attributes.iter().any(is_on_request)
        };
        if !defined.any(has_any) {
            return Self::default();
        }
        Self(sent(body, mode).flat_map(|sent| by(sent, schema, mode)).collect())
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

fn is_on_request(attribute: &Attribute) -> bool {
    attribute.returned == Returned::Request
}

fn by(sent: Sent<'_>, schema: &ResourceSchema, mode: Mode) -> Vec<String> {
    let (Path { attribute, sub, .. }, value) = match sent {
        Sent::Attributes(attributes) => return by_attributes(attributes, schema, mode),
        Sent::At(path, value) => (path, value),
    };
    match (schema.find(&attribute, mode), sub) {
        (Some(Located::Attribute(at)), Some(sub)) => {
            at.attribute.sub(&sub).map(|sub| by_part(at, sub)).unwrap_or_default()
        }
        (Some(located), _) => by_value(located, value, schema),
        (None, _) => Vec::new(),
    }
}

fn by_attributes(attributes: &Map<String, Value>, schema: &ResourceSchema, mode: Mode) -> Vec<String> {
    let located = attributes.iter().filter_map(|(name, value)| Some((schema.find(name, mode)?, value)));
    located.flat_map(|(located, value)| by_value(located, value, schema)).collect()
}

/// What is specified where this is given a value.
fn by_value(located: Located<'_>, value: &Value, schema: &ResourceSchema) -> Vec<String> {
    match located {
        Located::SubAttribute(at, sub) => by_part(at, sub),
        Located::Attribute(at) => {
            let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            let is_given = |sub: &&Attribute| {
                let mut objects = values.iter().filter_map(Value::as_object);
                objects.any(|object| object::member(object, &sub.name).is_some())
            };
            let parts = at.attribute.sub_attributes.iter().filter(|sub| is_on_request(sub)).filter(is_given);
            let parts = parts.map(|sub| part_name(at, sub));
            is_on_request(at.attribute).then(|| full_name(at)).into_iter().chain(parts).collect()
        }
        Located::Schema(of) => {
            let members = value.as_object().into_iter().flatten();
            let named =
                members.filter_map(|(name, value)| Some((schema.attribute(Some(&of.id), name)?, value)));
            named.flat_map(|(at, value)| by_value(Located::Attribute(at), value, schema)).collect()
        }
    }
}

fn by_part(at: AttributeRef<'_>, sub: &Attribute) -> Vec<String> {
    let whole = is_on_request(at.attribute).then(|| full_name(at));
    whole.into_iter().chain(is_on_request(sub).then(|| part_name(at, sub))).collect()
}

fn part_name(at: AttributeRef<'_>, sub: &Attribute) -> String {
    format!("{}.{}", full_name(at), sub.name)
}

fn full_name(AttributeRef { urn, attribute }: AttributeRef<'_>) -> String {
    urn.map_or_else(|| attribute.name.to_string(), |urn| format!("{urn}:{}", attribute.name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::schema::{Attribute, ResourceKind, Schema, Type};

    const URN: &str = "urn:example:2.0:User";

    fn schema(returned: Returned) -> ResourceSchema {
        let text = |name| Attribute::new(name, Type::String, "");
        let with = |attribute| Attribute { returned, ..attribute };
        let desk = Attribute::complex("desk", "", [text("floor"), text("type")]).multi_valued();
        let attributes = vec![with(text("salary")), with(desk), text("badge")];
        let extension = Schema { id: URN.into(), name: "".into(), description: "".into(), attributes };
        ResourceSchema::new(ResourceKind::User, [extension])
    }

    fn specified(body: &Value) -> String {
        let specified = Specified::by(body, &schema(Returned::Request), Mode::Compat);
        let names = specified.names().map(|name| name.strip_prefix(URN).unwrap());
        names.collect::<String>()
    }

    #[test]
    fn a_body_specifies_what_it_gives_a_value() {
        assert_eq!(
            specified(&json!({"userName": "a", URN: {"SALARY": 1, "badge": "7", "nick": 2}})),
            ":salary"
        );
        assert_eq!(specified(&json!({"URN:EXAMPLE:2.0:USER": {"desk": [], "salary": 1}})), ":desk:salary");
        assert_eq!(specified(&json!({"salary": 1, "badge": "7"})), ":salary");
        for nothing in [json!({"x": 1}), json!({URN: 1}), json!([]), json!(null)] {
            assert_eq!(specified(&nothing), "", "{nothing}");
        }
    }

    #[test]
    fn a_patch_specifies_what_its_operations_name() {
        let patch = |operation: Value| specified(&json!({"operations": [{"op": "x"}, operation]}));
        for path in ["desk", "desk.floor", "desk[type eq \"a\"]", "desk[type eq \"a\"].floor"] {
            assert_eq!(patch(json!({"path": format!("{URN}:{path}"), "value": "x"})), ":desk", "{path}");
        }
        assert_eq!(patch(json!({"path": URN, "value": {"salary": 1, "badge": 1}})), ":salary");
        assert_eq!(patch(json!({"value": {URN: {"salary": 1}}})), ":salary");
        assert_eq!(patch(json!({"value": {format!("{URN}:salary"): 1}})), ":salary");
        assert_eq!(patch(json!({"path": "salary", "value": 1})), ":salary");
        for path in ["title", "desk[", "x"] {
            assert_eq!(patch(json!({"path": path, "value": {"salary": 1}})), "", "{path}");
        }
    }

    #[test]
    fn of_a_complex_attribute_the_parts_that_are_given_a_value_or_named_are_specified() {
        let on_request =
            Attribute { returned: Returned::Request, ..Attribute::new("code", Type::String, "") };
        let desk = Attribute::complex("desk", "", [Attribute::new("floor", Type::String, ""), on_request]);
        let attributes = vec![desk.multi_valued()];
        let extension = Schema { id: URN.into(), name: "".into(), description: "".into(), attributes };
        let schema = ResourceSchema::new(ResourceKind::User, [extension]);
        let specified = |body: Value| {
            let specified = Specified::by(&body, &schema, Mode::Compat);
            specified.names().map(|name| name.strip_prefix(URN).unwrap()).collect::<String>()
        };
        let patch = |path: &str, value: Value| {
            specified(json!({"Operations": [{"op": "add", "path": format!("{URN}:{path}"), "value": value}]}))
        };
        assert_eq!(specified(json!({URN: {"desk": [{"floor": "1"}, {"CODE": "x"}]}})), ":desk.code");
        assert_eq!(specified(json!({URN: {"desk": [{"floor": "1"}]}})), "");
        assert_eq!(patch("desk[floor eq \"1\"].code", json!("x")), ":desk.code");
        assert_eq!(patch("desk.code", json!("x")), ":desk.code");
        assert_eq!(patch("desk[floor eq \"1\"]", json!({"code": "x"})), ":desk.code");
        assert_eq!(patch("desk[floor eq \"1\"].floor", json!("2")), "");
    }

    #[test]
    fn what_is_returned_otherwise_is_none_of_it() {
        let body = json!({URN: {"salary": 1}});
        for returned in [Returned::Default, Returned::Never, Returned::Always] {
            assert_eq!(Specified::by(&body, &schema(returned), Mode::Strict), Specified::default());
        }
    }
}

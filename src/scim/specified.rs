//! What a change specifies of the attributes that answers have on request alone: RFC 7643 section 7 has those in
//! the answer to the POST, PUT or PATCH as well.

use serde_json::{Map, Value};

use super::mode::Mode;
use super::object;
use super::path::Path;
use super::schema::{AttributeRef, Located, ResourceSchema, Returned};

/// The attributes of `returned: request` that a change specifies, as names that a schema locates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Specified(Vec<String>);

impl Specified {
    /// Those to which the body of a POST or PUT gives a value, or that the operations of a PATCH name. What
    /// cannot be read specifies nothing.
    pub fn by(body: &Value, schema: &ResourceSchema, mode: Mode) -> Self {
        let extensions = schema.extensions().iter();
        let mut defined = extensions.flat_map(|extension| &extension.attributes);
        if !defined.any(|attribute| attribute.returned == Returned::Request) {
            return Self::default();
        }
        let Value::Object(body) = body else { return Self::default() };
        let named = match object::member(body, "Operations") {
            Some(Value::Array(operations)) => {
                operations.iter().flat_map(|operation| by_operation(operation, schema, mode)).collect()
            }
            _ => by_attributes(body, schema),
        };
        let on_request = named.into_iter().filter(|at| at.attribute.returned == Returned::Request);
        Self(on_request.map(|at| full_name(at.urn, &at.attribute.name)).collect())
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

fn by_operation<'s>(operation: &Value, schema: &'s ResourceSchema, mode: Mode) -> Vec<AttributeRef<'s>> {
    let Value::Object(operation) = operation else { return Vec::new() };
    let value = object::member(operation, "value").and_then(Value::as_object);
    let path = object::member(operation, "path").and_then(Value::as_str).filter(|path| !path.is_empty());
    let Some(path) = path else {
        return value.map(|value| by_attributes(value, schema)).unwrap_or_default();
    };
    let path = Path::parse(path, mode).ok();
    by_name(path.as_ref().and_then(|path| schema.locate(&path.attribute)), value, schema)
}

fn by_attributes<'s>(attributes: &Map<String, Value>, schema: &'s ResourceSchema) -> Vec<AttributeRef<'s>> {
    let named = |(name, value): (&String, &Value)| by_name(schema.locate(name), value.as_object(), schema);
    attributes.iter().flat_map(named).collect()
}

fn by_name<'s>(
    located: Option<Located<'s>>,
    value: Option<&Map<String, Value>>,
    schema: &'s ResourceSchema,
) -> Vec<AttributeRef<'s>> {
    match located {
        None => Vec::new(),
        Some(Located::Attribute(at) | Located::SubAttribute(at, _)) => vec![at],
        Some(Located::Schema(of)) => {
            let names = value.into_iter().flat_map(Map::keys);
            names.filter_map(|name| schema.attribute(Some(&of.id), name)).collect()
        }
    }
}

fn full_name(urn: Option<&str>, name: &str) -> String {
    urn.map_or_else(|| name.to_owned(), |urn| format!("{urn}:{name}"))
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
        for nothing in [json!({"salary": 1}), json!({URN: 1}), json!([]), json!(null)] {
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
        for path in ["title", "desk[", "salary"] {
            assert_eq!(patch(json!({"path": path, "value": {"salary": 1}})), "", "{path}");
        }
    }

    #[test]
    fn what_is_returned_otherwise_is_none_of_it() {
        let body = json!({URN: {"salary": 1}});
        for returned in [Returned::Default, Returned::Never, Returned::Always] {
            assert_eq!(Specified::by(&body, &schema(returned), Mode::Strict), Specified::default());
        }
    }
}

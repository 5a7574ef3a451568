use super::*;
use crate::scim::resource::normalize;
use crate::scim::schema::core::{ENTERPRISE_USER, GROUP, USER};
use crate::scim::{mode::Mode, schema::custom};

const BASE: &str = "https://scim.example.com/scim/v2/okta";

fn all() -> Vec<Value> {
    schemas(&[&ResourceSchema::user(), &ResourceSchema::group()], BASE)
}

fn named<'d>(documents: &'d [Value], id: &str) -> &'d Value {
    documents.iter().find(|document| document["id"] == id).unwrap()
}

/// The lines of a definition and its sub-attributes: everything but the description.
fn outline(definition: &Value, indent: &str, lines: &mut Vec<String>) {
    let text = |name: &str| definition[name].as_str().unwrap_or_default();
    let mut line = format!("{indent}{}: {}", text("name"), text("type"));
    for (flag, word) in [("multiValued", "list"), ("required", "required"), ("caseExact", "exact")] {
        if definition[flag] == true {
            line += &format!(" {word}");
        }
    }
    for (name, usual) in [("mutability", "readWrite"), ("returned", "default"), ("uniqueness", "none")] {
        if !matches!(text(name), value if value == usual || value.is_empty()) {
            line += &format!(" {name}={}", text(name));
        }
    }
    for name in ["canonicalValues", "referenceTypes"] {
        if let Some(values) = definition.get(name) {
            line += &format!(" {values}");
        }
    }
    lines.push(line);
    for sub in definition["subAttributes"].as_array().into_iter().flatten() {
        outline(sub, &format!("{indent}  "), lines);
    }
}

fn outline_of(schema: &Value) -> String {
    let mut lines = Vec::new();
    for attribute in schema["attributes"].as_array().unwrap() {
        outline(attribute, "", &mut lines);
    }
    lines.join("\n")
}

/// RFC 7643 section 8.7.1.
#[test]
fn the_user_schema_is_that_of_the_rfc_without_password() {
    insta::assert_snapshot!(outline_of(named(&all(), USER)), @r#"
    userName: string required uniqueness=server
    name: complex
      formatted: string
      familyName: string
      givenName: string
      middleName: string
      honorificPrefix: string
      honorificSuffix: string
    displayName: string
    nickName: string
    profileUrl: reference exact ["external"]
    title: string
    userType: string
    preferredLanguage: string
    locale: string
    timezone: string
    active: boolean
    emails: complex list
      value: string
      display: string
      type: string ["work","home","other"]
      primary: boolean
    phoneNumbers: complex list
      value: string
      display: string
      type: string ["work","home","mobile","fax","pager","other"]
      primary: boolean
    ims: complex list
      value: string
      display: string
      type: string ["aim","gtalk","icq","xmpp","msn","skype","qq","yahoo"]
      primary: boolean
    photos: complex list
      value: reference exact ["external"]
      display: string
      type: string ["photo","thumbnail"]
      primary: boolean
    addresses: complex list
      formatted: string
      streetAddress: string
      locality: string
      region: string
      postalCode: string
      country: string
      type: string ["work","home","other"]
      primary: boolean
    groups: complex list mutability=readOnly
      value: string exact mutability=readOnly
      $ref: reference exact mutability=readOnly ["Group"]
      display: string mutability=readOnly
      type: string mutability=readOnly ["direct","indirect"]
    entitlements: complex list
      value: string
      display: string
      type: string
      primary: boolean
    roles: complex list
      value: string
      display: string
      type: string
      primary: boolean
    x509Certificates: complex list
      value: binary exact
      display: string
      type: string
      primary: boolean
    "#);
}

/// RFC 7643 section 8.7.1, without the name of a manager, which nothing assigns.
#[test]
fn the_group_and_enterprise_schemas_are_those_of_the_rfc() {
    let all = all();
    insta::assert_snapshot!(outline_of(named(&all, GROUP)), @r#"
    displayName: string required uniqueness=server
    members: complex list
      value: string exact mutability=immutable
      $ref: reference exact mutability=immutable ["User","Group"]
      type: string mutability=immutable ["User","Group"]
    "#);
    insta::assert_snapshot!(outline_of(named(&all, ENTERPRISE_USER)), @r#"
    employeeNumber: string
    costCenter: string
    organization: string
    division: string
    department: string
    manager: complex
      value: string exact
      $ref: reference exact ["User"]
    "#);
}

/// RFC 7643 section 3: for every schema that a resource uses there is a Schema resource.
#[test]
fn every_document_is_described_by_a_schema_that_is_listed() {
    let all = all();
    let ids: Vec<_> = all.iter().map(|document| document["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [USER, ENTERPRISE_USER, GROUP, SERVICE_PROVIDER_CONFIG, RESOURCE_TYPE, SCHEMA]);
    let mut documents = resource_types(&[&ResourceSchema::user(), &ResourceSchema::group()], BASE);
    documents.push(service_provider_config(&capabilities(), BASE));
    documents.extend(all.clone());
    for document in documents {
        let schema = named(&all, document["schemas"][0].as_str().unwrap());
        assert_described(document.as_object().unwrap(), &schema["attributes"]);
    }
}

/// Asserts that each name in `object` is defined, and each that is required is there. Sub-attributes are
/// defined like attributes, one level less deep.
fn assert_described(object: &Map<String, Value>, definitions: &Value) {
    let definitions = definitions.as_array().unwrap();
    for (name, value) in object {
        if ["schemas", "id", "meta"].contains(&name.as_str()) {
            continue;
        }
        let definition = definitions.iter().find(|definition| definition["name"] == name.as_str());
        let definition = definition.unwrap_or_else(|| panic!("{name} is not defined"));
        let Some(subs) = definition.get("subAttributes") else { continue };
        let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        for value in values.iter().filter(|_| name != "subAttributes") {
            assert_described(value.as_object().unwrap(), subs);
        }
    }
    for required in definitions.iter().filter(|definition| definition["required"] == true) {
        assert!(
            object.contains_key(required["name"].as_str().unwrap()),
            "{required} is missing in {object:?}"
        );
    }
}

#[test]
fn no_document_holds_null() {
    fn holds_null(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Array(list) => list.iter().any(holds_null),
            Value::Object(object) => object.values().any(holds_null),
            _ => false,
        }
    }
    assert!(!all().iter().any(holds_null));
}

/// RFC 7643 sections 7 and 8.7.
#[test]
fn a_schema_says_where_it_is() {
    let document = &all()[0];
    assert_eq!(document["schemas"], json!([SCHEMA]));
    assert_eq!(
        document["meta"],
        json!({"resourceType": "Schema", "location": format!("{BASE}/Schemas/{USER}")})
    );
}

/// RFC 7643 section 6.
#[test]
fn a_resource_type_names_its_extensions_and_whether_they_are_required() {
    let badge = Attribute { required: true, ..Attribute::new("badge", Type::String, "The badge.") };
    let badges = custom::extension("urn:example:2.0:User", "The badges of our people.", vec![badge]).unwrap();
    let users = ResourceSchema::new(ResourceKind::User, [badges]);
    insta::assert_json_snapshot!(resource_types(&[&users], BASE)[0], @r#"
    {
      "schemas": [
        "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
      ],
      "id": "User",
      "name": "User",
      "description": "People.",
      "endpoint": "/Users",
      "schema": "urn:ietf:params:scim:schemas:core:2.0:User",
      "schemaExtensions": [
        {
          "schema": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
          "required": false
        },
        {
          "schema": "urn:example:2.0:User",
          "required": true
        }
      ],
      "meta": {
        "resourceType": "ResourceType",
        "location": "https://scim.example.com/scim/v2/okta/ResourceTypes/User"
      }
    }
    "#);
    assert_eq!(named(&schemas(&[&users], BASE), "urn:example:2.0:User")["attributes"][0]["name"], "badge");
}

/// RFC 7643 section 7: "required".
#[test]
fn the_schemas_say_what_a_provider_requires() {
    let department = format!("{ENTERPRISE_USER}:department");
    let names = ["EMAILS", "name.givenName", &department, "externalId", "nick"];
    let users = ResourceSchema::user().requiring(names);
    let all = schemas(&[&users], BASE);
    let required = |schema: &str| {
        let definitions = named(&all, schema)["attributes"].as_array().unwrap();
        let subs = definitions.iter().flat_map(|it| it["subAttributes"].as_array()).flatten();
        let required = definitions.iter().chain(subs).filter(|definition| definition["required"] == true);
        required.map(|definition| definition["name"].as_str().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(required(USER), ["userName", "name", "emails", "givenName"]);
    assert_eq!(required(ENTERPRISE_USER), ["department"]);
    assert_eq!(resource_types(&[&users], BASE)[0]["schemaExtensions"][0]["required"], true);
}

/// RFC 7643 section 7: "canonicalValues".
#[test]
fn the_schemas_say_which_values_a_provider_takes() {
    let values = ["employee", "guest"].map(str::to_owned);
    let names = ["USERTYPE", "emails.type", "active", "emails", "nick"];
    let users = ResourceSchema::user().constraining(names.map(|name| (name, values.as_slice())));
    let all = schemas(&[&users], BASE);
    let attribute =
        |name| named(&all, USER)["attributes"].as_array().unwrap().iter().find(|it| it["name"] == name);
    assert_eq!(attribute("userType").unwrap()["canonicalValues"], json!(values));
    assert_eq!(attribute("emails").unwrap()["subAttributes"][2]["canonicalValues"], json!(values));
    assert_eq!(attribute("active").unwrap().get("canonicalValues"), None);
    assert_eq!(attribute("emails").unwrap().get("canonicalValues"), None);
}

fn capabilities() -> Capabilities {
    Capabilities {
        documentation_uri: Some("https://example.com/docs".into()),
        bulk: Some(BulkLimits { operations: 1000, payload: 1_048_576 }),
        max_results: 1000,
        default_page_size: 100,
        authentication: vec![AuthenticationScheme::JwtAssertion, AuthenticationScheme::BearerToken],
    }
}

/// RFC 7643 section 5.
#[test]
fn the_configuration_says_what_is_supported() {
    insta::assert_json_snapshot!(service_provider_config(&capabilities(), BASE), @r#"
    {
      "schemas": [
        "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
      ],
      "patch": {
        "supported": true
      },
      "bulk": {
        "supported": true,
        "maxOperations": 1000,
        "maxPayloadSize": 1048576
      },
      "filter": {
        "supported": true,
        "maxResults": 1000
      },
      "changePassword": {
        "supported": false
      },
      "sort": {
        "supported": true
      },
      "etag": {
        "supported": true
      },
      "pagination": {
        "cursor": true,
        "index": true,
        "defaultPaginationMethod": "index",
        "defaultPageSize": 100,
        "maxPageSize": 1000
      },
      "authenticationSchemes": [
        {
          "type": "oauthbearertoken",
          "name": "JWT",
          "description": "A signed token of an issuer that the provider trusts, in the Authorization header.",
          "specUri": "https://www.rfc-editor.org/info/rfc7523",
          "primary": true
        },
        {
          "type": "oauthbearertoken",
          "name": "Bearer token",
          "description": "A token that the cluster's administrator made, in the Authorization header.",
          "specUri": "https://www.rfc-editor.org/info/rfc6750",
          "primary": false
        }
      ],
      "meta": {
        "resourceType": "ServiceProviderConfig",
        "location": "https://scim.example.com/scim/v2/okta/ServiceProviderConfig"
      },
      "documentationUri": "https://example.com/docs"
    }
    "#);
    let without_bulk = Capabilities { bulk: None, ..capabilities() };
    assert_eq!(service_provider_config(&without_bulk, BASE)["bulk"]["supported"], false);
}

/// Quirk Q34: what `/Schemas` lists as writable is taken and shown.
#[test]
fn every_writable_attribute_that_is_listed_is_kept() {
    let all = all();
    for attribute in named(&all, USER)["attributes"].as_array().unwrap() {
        if attribute["mutability"] != "readWrite" {
            continue;
        }
        let name = attribute["name"].as_str().unwrap();
        let body = json!({"schemas": [USER], name: sample(attribute)});
        let resource = normalize(body.clone(), &ResourceSchema::user(), Mode::Strict).unwrap().resource;
        assert_eq!(Value::from(resource), body);
    }
}

fn sample(attribute: &Value) -> Value {
    let one = match attribute["type"].as_str().unwrap() {
        "boolean" => json!(true),
        "complex" => {
            let subs = attribute["subAttributes"].as_array().unwrap();
            subs.iter().map(|sub| (sub["name"].as_str().unwrap().to_owned(), sample(sub))).collect()
        }
        "binary" => json!("AAEC"),
        _ => json!("x"),
    };
    if attribute["multiValued"] == true { json!([one]) } else { one }
}

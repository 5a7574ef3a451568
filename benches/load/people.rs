//! The people and groups of the benchmarks, and their objects.

use scim_operator::{api::names::object_name, scim::key::key};
use serde_json::{Value, json};
use uuid::Uuid;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// The userName of a person.
pub fn user_name(number: usize) -> String {
    format!("person{number:06}@example.com")
}

/// Whose userName this is.
pub fn number(user_name: &str) -> Option<usize> {
    user_name.strip_prefix("person")?.strip_suffix("@example.com")?.parse().ok()
}

/// The externalId of a person.
pub fn external_id(number: usize) -> String {
    format!("00u{number:06}Kq7vXw2d8")
}

/// The displayName of a person.
pub fn display_name(number: usize) -> String {
    format!("Person Doe {number:06}")
}

/// A full person: every attribute that identity providers send, 2 KB of JSON.
pub fn person(number: usize) -> Value {
    let (user_name, external_id, display_name) =
        (user_name(number), external_id(number), display_name(number));
    json!({
        "schemas": [USER, ENTERPRISE],
        "userName": user_name,
        "externalId": external_id,
        "name": {
            "formatted": format!("Ms. Person J. Doe {number:06}, III"),
            "familyName": format!("Doe {number:06}"),
            "givenName": "Person",
            "middleName": "Jane",
            "honorificPrefix": "Ms.",
            "honorificSuffix": "III",
        },
        "displayName": display_name,
        "nickName": format!("P{number:06}"),
        "profileUrl": format!("https://login.example.com/people/{number:06}"),
        "title": "Tour Guide",
        "userType": "employee",
        "preferredLanguage": "en-US",
        "locale": "en-US",
        "timezone": "America/Los_Angeles",
        "active": true,
        "emails": [
            {"value": user_name, "type": "work", "primary": true},
            {"value": format!("p{number:06}@home.example"), "type": "home"},
        ],
        "phoneNumbers": [
            {"value": format!("+1-555-{number:06}"), "type": "work", "primary": true},
            {"value": format!("+1-556-{number:06}"), "type": "mobile"},
        ],
        "ims": [{"value": format!("person{number:06}"), "type": "xmpp"}],
        "photos": [{"value": format!("https://photos.example.com/{number:06}/F"), "type": "photo"}],
        "addresses": [
            {
                "type": "work",
                "streetAddress": "100 Universal City Plaza",
                "locality": "Hollywood",
                "region": "CA",
                "postalCode": "91608",
                "country": "US",
                "formatted": "100 Universal City Plaza\nHollywood, CA 91608 USA",
                "primary": true,
            },
            {
                "type": "home",
                "streetAddress": "456 Hollywood Blvd",
                "locality": "Hollywood",
                "region": "CA",
                "postalCode": "91608",
                "country": "US",
                "formatted": "456 Hollywood Blvd\nHollywood, CA 91608 USA",
            },
        ],
        "entitlements": [{"value": "tickets", "display": "Tickets", "type": "license"}],
        "roles": [{"value": "guide", "display": "Guide", "type": "job", "primary": true}],
        ENTERPRISE: {
            "employeeNumber": format!("{number:06}"),
            "costCenter": "4130",
            "organization": "Universal Studios",
            "division": "Theme Park",
            "department": "Tour Operations",
            "manager": {
                "value": "26118915-6090-4610-87e4-49d8ca9f808d",
                "displayName": "John Smith",
            },
        },
    })
}

/// Objects like one that the operator wrote.
#[derive(Clone)]
pub struct Template {
    json: String,
    provider: String,
    id: String,
    name: String,
}

impl Template {
    /// Made from the object of person 0.
    pub fn of(mut object: Value) -> Self {
        object["metadata"] =
            json!({"name": object["metadata"]["name"], "labels": object["metadata"]["labels"]});
        let text = |value: &Value| value.as_str().expect("the object of a person").to_owned();
        let spec = &object["spec"];
        let (provider, id) = (text(&spec["provider"]), text(&spec["id"]));
        Self { provider, id, name: text(&object["metadata"]["name"]), json: object.to_string() }
    }

    /// The object of another person of the same provider.
    pub fn person(&self, number: usize) -> String {
        let name = object_name(&self.provider, &key(&user_name(number)));
        let json = self.json.replace(&self.name, &name).replace(&self.id, &Uuid::new_v4().to_string());
        json.replace("000000", &format!("{number:06}"))
    }
}

//! What a field's type alone does not say: the API server takes what the operator can read, and nothing else.

use schemars::{Schema, SchemaGenerator, json_schema};

/// What [`kube::core::Duration`] reads, without a sign.
const DURATION: &str = "^([0-9]{1,9}([.][0-9]{1,9})?(ns|us|µs|ms|s|m|h))+$";
/// What [`jiff::Timestamp`] reads of what the API server takes for a time.
const TIME: &str =
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})$";
/// A key of a label: an optional domain, and a name.
const LABEL_KEY: &str = "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$";
/// The value of a label.
const LABEL_VALUE: &str = "^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$";

/// The window of a guard.
pub(super) fn window(_: &mut SchemaGenerator) -> Schema {
    duration(
        "duration(self) >= duration('1m') && duration(self) <= duration('168h')",
        "window: write at least a minute and at most a week; example: 10m",
    )
}

/// How long something is kept.
pub(super) fn retention(_: &mut SchemaGenerator) -> Schema {
    duration(
        "duration(self) <= duration('876000h')",
        "afterDeactivation: write at most a century; to keep people for good, leave retention out",
    )
}

/// A moment.
pub(super) fn time(_: &mut SchemaGenerator) -> Schema {
    moment("times go to the end of 9998")
}

/// The end of a grant.
pub(super) fn end_of_grant(_: &mut SchemaGenerator) -> Schema {
    moment("leave notAfter out for a grant without end; times go to the end of 9998")
}

/// The end of a token.
pub(super) fn end_of_token(_: &mut SchemaGenerator) -> Schema {
    moment("leave expiresAt out for a token without end; times go to the end of 9998")
}

/// What stands before identity strings.
pub(super) fn prefix(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "maxLength": 128,
        "pattern": r"^\P{Cc}*$",
        "x-kubernetes-validations": [{
            "rule": "!self.trim().lowerAscii().startsWith('system:')",
            "message": "prefix: names that begin with system: are the API server's own; choose another",
        }],
    })
}

/// A selector over labels, of which no part means nothing.
pub(super) fn label_selector(_: &mut SchemaGenerator) -> Schema {
    let value = json_schema!({"type": "string", "maxLength": 63, "pattern": LABEL_VALUE});
    json_schema!({
        "type": "object",
        "properties": {
            "matchLabels": {
                "description": "Labels that must all be there.",
                "type": "object",
                "maxProperties": 64,
                "additionalProperties": value,
            },
            "matchExpressions": {
                "description": "What must be true of labels, all of it.",
                "type": "array",
                "maxItems": 64,
                "x-kubernetes-list-type": "atomic",
                "items": {
                    "type": "object",
                    "required": ["key", "operator"],
                    "properties": {
                        "key": {
                            "description": "The label's key.",
                            "type": "string",
                            "maxLength": 317,
                            "pattern": LABEL_KEY,
                        },
                        "operator": {
                            "description": "In and NotIn compare with values; Exists and DoesNotExist have none.",
                            "type": "string",
                            "enum": ["In", "NotIn", "Exists", "DoesNotExist"],
                        },
                        "values": {
                            "description": "What In and NotIn compare with.",
                            "type": "array",
                            "maxItems": 64,
                            "x-kubernetes-list-type": "atomic",
                            "items": value,
                        },
                    },
                    "x-kubernetes-validations": [{
                        "rule": "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
                        "message": "selector: In and NotIn need values; Exists and DoesNotExist have none",
                    }],
                },
            },
        },
    })
}

fn duration(rule: &str, message: &str) -> Schema {
    json_schema!({
        "type": "string",
        "maxLength": 32,
        "pattern": DURATION,
        "x-kubernetes-validations": [{"rule": rule, "message": message}],
    })
}

fn moment(message: &str) -> Schema {
    json_schema!({
        "type": "string",
        "format": "date-time",
        "pattern": TIME,
        "x-kubernetes-validations": [
            {"rule": "self < timestamp('9999-01-01T00:00:00Z')", "message": message},
        ],
    })
}

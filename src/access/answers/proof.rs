//! How anybody can ask the API server what a plan changes.

use crate::access::binding::{Place, Subject};

/// The command that lists what a subject may do at a place. None for what the operator never writes.
pub fn can_i(subject: &Subject, place: &Place) -> Option<String> {
    let whom = match subject {
        Subject::User(name) => format!("--as={}", shell_quoted(name)),
        Subject::Group(name) => format!("--as=anyone --as-group={}", shell_quoted(name)),
        Subject::Other(_) => return None,
    };
    let at = place.namespace.as_ref().map_or(String::new(), |name| format!(" --namespace={name}"));
    Some(format!("kubectl auth can-i --list{at} {whom}"))
}

/// Text as one word of a POSIX shell: whoever copies the command runs nothing else.
fn shell_quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./_-".contains(c);
    match text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

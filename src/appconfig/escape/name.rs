//! Names made from values: never one of two, so that nobody takes another's place.

use sha2::{Digest, Sha256};

use crate::api::hex;

/// The longest name, in characters: of a DNS label, and of an entity of Backstage.
const LONGEST: usize = 63;
/// How many hexadecimal digits tell changed names apart.
const DIGITS: usize = 16;

/// A DNS label (RFC 1123): the text itself if it is one, otherwise its letters and digits in lower case
/// and a hash of the whole.
pub fn dns1123(text: &str) -> String {
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_label = text.starts_with(is_letter)
        && text.ends_with(is_letter)
        && text.chars().all(|c| is_letter(c) || c == '-');
    if is_label && may_stay(text) { text.to_owned() } else { hashed(&text.to_ascii_lowercase(), text) }
}

/// The name of an entity of Backstage, `[A-Za-z0-9]` parted by `[-_.]`: the text itself if it is one,
/// otherwise its letters and digits and a hash of the whole.
pub fn entity_name(text: &str) -> String {
    let is_word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric());
    let is_name = text.split(['-', '_', '.']).all(is_word);
    if is_name && may_stay(text) { text.to_owned() } else { hashed(text, text) }
}

/// A user of Headscale: the text, with an `@` at its end unless it has one.
pub fn at(text: &str) -> String {
    if text.contains('@') { text.to_owned() } else { format!("{text}@") }
}

/// Whether a name is short enough, and cannot be another text's name with its hash.
fn may_stay(name: &str) -> bool {
    let last = name.rsplit('-').next().unwrap_or(name);
    let is_hash = last.len() == DIGITS && last.chars().all(|c| c.is_ascii_hexdigit());
    name.len() <= LONGEST && !is_hash
}

fn hashed(shown: &str, whole: &str) -> String {
    let words = shown.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut name = words.collect::<Vec<_>>().join("-");
    name.truncate(LONGEST - DIGITS - 1);
    let digest = Sha256::digest(whole);
    let hash = hex(digest.iter().take(DIGITS / 2));
    match name.trim_end_matches('-') {
        "" => hash,
        name => format!("{name}-{hash}"),
    }
}

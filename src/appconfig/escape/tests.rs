use proptest::prelude::*;

use super::*;

const FORMATS: [Format; 7] =
    [Format::Text, Format::Lines, Format::Csv, Format::Json, Format::Yaml, Format::Ini, Format::Xml];

/// The one value of a document of this format that holds it.
fn read_back(format: Format, escaped: &str) -> String {
    match format {
        Format::Text => escaped.to_owned(),
        Format::Lines => {
            let text = format!("first\n{escaped}\nlast\n");
            let mut lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#')).skip(1);
            lines.next().unwrap().to_owned()
        }
        Format::Csv => {
            let text = format!("first,{escaped},last\n");
            let mut records = text.lines().map(|line| super::super::validate::csv_record(line).unwrap());
            let record = records.next().unwrap();
            assert_eq!((record.len(), records.count()), (3, 0));
            record[1].clone()
        }
        Format::Json => serde_json::from_str(escaped).unwrap(),
        Format::Yaml => {
            let text = format!("list:\n- {escaped}\n- {{inline: {escaped}}}\n");
            let read: Value = serde_saphyr::from_str(&text).unwrap();
            assert_eq!(read["list"][0], read["list"][1]["inline"]);
            read["list"][0].as_str().unwrap().to_owned()
        }
        Format::Ini => {
            let text = format!("[section]\nkey = {escaped}\n");
            let value = text.lines().nth(1).unwrap().split_once('=').unwrap().1;
            let uncommented = value.split([';', '#']).next().unwrap().trim();
            uncommented.to_owned()
        }
        Format::Xml => {
            let text = format!("<a b=\"{escaped}\" c='{escaped}'>{escaped}</a>");
            let document = roxmltree::Document::parse(&text).unwrap();
            let root = document.root_element();
            assert_eq!(root.attribute("b"), root.attribute("c"));
            assert_eq!(root.attribute("b").unwrap(), root.text().unwrap_or_default());
            root.text().unwrap_or_default().to_owned()
        }
    }
}

/// Names and what attackers make of them: any character, and all that means something somewhere.
fn values() -> impl Strategy<Value = String> {
    let telling = prop::sample::select(
        "\n\r\t\0\u{85}\u{2028}\u{202e}\u{feff},;:=#%$\\\"'`[]{}<>&|!?*@- ~nullyes"
            .chars()
            .collect::<Vec<_>>(),
    );
    let character = prop_oneof![telling, any::<char>(), prop::char::range('a', 'z')];
    prop::collection::vec(character, 0..24).prop_map(|characters| characters.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_value_reads_back_as_itself_or_is_refused(value in values()) {
        for format in FORMATS {
            if let Ok(escaped) = escape(format, &value) {
                prop_assert_eq!(read_back(format, &escaped), &*value, "{:?}", format);
                prop_assert!(escaped.lines().count() <= 1, "{:?} breaks the line: {:?}", format, escaped);
            }
        }
    }

    #[test]
    fn every_name_is_one_and_two_values_never_share_it(a in values(), b in values()) {
        for (make, parting) in [(dns1123 as fn(&str) -> String, "-"), (entity_name, "-_.")] {
            let (name, other) = (make(&a), make(&b));
            prop_assert!((1..=63).contains(&name.len()));
            prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || parting.contains(c)), "{}", name);
            prop_assert!(!name.starts_with(|c| parting.contains(c)) && !name.ends_with(|c| parting.contains(c)));
            prop_assert!(a == b || name != other, "{:?} and {:?} are both {}", a, b, name);
        }
    }
}

#[test]
fn control_characters_and_line_breaks_are_refused_in_every_format() {
    for format in FORMATS {
        for hostile in
            ['\n', '\r', '\t', '\0', '\u{7f}', '\u{85}', '\u{2028}', '\u{2029}', '\u{202e}', '\u{2066}']
        {
            assert_eq!(
                escape(format, &format!("a{hostile}b")),
                Err(Refusal::Character(hostile)),
                "{format:?}"
            );
        }
    }
}

#[test]
fn names_of_people_pass_everywhere() {
    for name in
        ["O'Brien", "Zoë", "José María", "李小龍", "محمد", "می\u{200c}خواهم", "Doe, Alice", "R&D <team>"]
    {
        for format in FORMATS {
            assert!(escape(format, name).is_ok(), "{name} in {format:?}");
        }
    }
}

#[test]
fn a_field_is_quoted_where_a_reader_would_split_trim_or_skip_it() {
    let fields = ["alice@example.com", "Doe, Alice", "say \"hi\"", "#alice", " alice"];
    assert_eq!(
        fields.map(|field| escape(Format::Csv, field).unwrap().into_owned()),
        ["alice@example.com", "\"Doe, Alice\"", "\"say \"\"hi\"\"\"", "\"#alice\"", "\" alice\""]
    );
}

#[test]
fn a_line_that_would_be_a_comment_is_refused() {
    assert_eq!(
        escape(Format::Lines, "#alice").unwrap_err().to_string(),
        "begins with '#', which Lines cannot quote"
    );
}

#[test]
fn a_setting_that_readers_would_read_differently_is_refused() {
    for value in ["a;b", "a#b", "$HOME", "${HOME}", "%(x)s", "a\\", "`a`", "\"a\"", "'a'", "[a]", " a"] {
        assert!(escape(Format::Ini, value).is_err(), "{value}");
    }
    assert_eq!(escape(Format::Ini, "cn=alice:org, o'neill").unwrap(), "cn=alice:org, o'neill");
}

#[test]
fn a_name_stays_itself_if_it_may_and_is_told_apart_if_not() {
    assert_eq!(dns1123("alice--b"), "alice--b");
    assert_eq!(dns1123("Alice@Example.com"), "alice-example-com-f8db6f2f05fc7ed9");
    assert_eq!(entity_name("Alice.Doe_1"), "Alice.Doe_1");
    assert_ne!(entity_name("alice@x"), entity_name("alice/x"));
    assert_eq!(dns1123("李小龍").len(), 16);
    let taken = dns1123("alice@example.com");
    assert_ne!(dns1123(&taken), taken, "nobody is called by another's hashed name");
    assert_eq!([at("alice"), at("alice@example.com")], ["alice@", "alice@example.com"]);
}

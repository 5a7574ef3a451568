//! Text to tree and back.

use proptest::prelude::*;

use crate::scim::filter::tree::Tree;
use crate::scim::filter::{Filter, Literal, MAX_BYTES, MAX_DEPTH, MAX_TERMS, Operator, Term, Test};
use crate::scim::mode::Mode;
use crate::scim::path::Path;

/// The filter with brackets around everything, so that precedence is seen.
fn structure(text: &str) -> String {
    fn show(tree: &Tree<Term>) -> String {
        let join = |operands: &[Tree<Term>], word| operands.iter().map(show).collect::<Vec<_>>().join(word);
        match tree {
            Tree::Term(term) => term.to_string(),
            Tree::Not(operand) => format!("{{not {}}}", show(operand)),
            Tree::All(operands) => format!("{{{}}}", join(operands, " and ")),
            Tree::Any(operands) => format!("{{{}}}", join(operands, " or ")),
        }
    }
    show(&Filter::parse(text, Mode::Strict).unwrap().0)
}

fn refusal(text: &str, mode: Mode) -> String {
    let error = Filter::parse(text, mode).unwrap_err();
    assert_eq!(error.kind().scim_type(), Some("invalidFilter"));
    error.to_string()
}

/// RFC 7644 section 3.4.2.2: the order of precedence, and figure 1's `not` before a group.
#[test]
fn not_binds_before_and_and_and_before_or() {
    assert_eq!(structure("a pr or b pr and c pr"), "{a pr or {b pr and c pr}}");
    assert_eq!(structure("a pr and b pr or c pr"), "{{a pr and b pr} or c pr}");
    assert_eq!(structure("(a pr or b pr) and c pr"), "{{a pr or b pr} and c pr}");
    assert_eq!(structure("not (a pr) and b pr"), "{{not a pr} and b pr}");
    assert_eq!(structure("not (a pr and b pr)"), "{not {a pr and b pr}}");
    assert_eq!(structure("not(a pr) or not (b pr)"), "{{not a pr} or {not b pr}}");
    assert_eq!(structure("a pr and b pr and c pr"), "{a pr and b pr and c pr}");
    assert_eq!(structure("((a pr))"), "a pr");
}

/// RFC 7644 section 3.4.2.2: "attribute names and attribute operators used in filters are case insensitive".
#[test]
fn words_are_read_in_any_case() {
    assert_eq!(structure("a PR AND NOT (b Eq 1) Or c pr"), "{{a pr and {not b eq 1}} or c pr}");
    for (word, _) in Operator::WORDS {
        assert_eq!(structure(&format!("a {} 1", word.to_uppercase())), format!("a {word} 1"));
    }
}

/// The examples of RFC 7644 section 3.4.2.2, and `$ref` of RFC 7643 section 2.4.
#[test]
fn the_examples_of_the_rfc_print_as_they_were_read() {
    for text in [
        r#"userName eq "bjensen""#,
        r#"name.familyName co "O'Malley""#,
        r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#,
        "title pr",
        "members.$ref pr",
        r#"meta.lastModified gt "2011-05-13T04:42:34Z""#,
        r#"title pr and userType eq "Employee""#,
        r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#,
        r#"userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")"#,
        r#"userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")"#,
        r#"userType eq "Employee" and emails[type eq "work" and value co "@example.com"]"#,
        r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]"#,
    ] {
        assert_eq!(Filter::parse(text, Mode::Strict).unwrap().to_string(), text);
    }
}

/// What Entra sends to look people up by their work address.
#[test]
fn a_sub_attribute_may_follow_a_value_filter() {
    let text = r#"emails[type eq "work"].value eq "a@example.com" and active eq true"#;
    assert_eq!(Filter::parse(text, Mode::Strict).unwrap().to_string(), text);
    assert_eq!(structure(r#"emails[type eq "work"].value pr"#), r#"emails[type eq "work"].value pr"#);
}

#[test]
fn literals_are_json() {
    let literal = |text: &str| match Filter::parse(&format!("a eq {text}"), Mode::Strict).unwrap().0 {
        Tree::Term(Term { test: Test::Compare(_, literal), .. }) => literal,
        other => panic!("{other:?}"),
    };
    let string = |text: &str| Literal::String(text.into());
    assert_eq!(literal(r#""""#), string(""));
    assert_eq!(literal(r#""a \"b\" \\ \/ \u00e4 \ud83d\ude00 😀""#), string("a \"b\" \\ / ä 😀 😀"));
    assert_eq!(literal(r#""\\""#), string("\\"));
    assert_eq!(literal("-12.5e3"), Literal::Number("-12.5e3".into()));
    assert_eq!(literal("9007199254740993"), Literal::Number("9007199254740993".into()));
    assert_eq!(literal("true"), Literal::Boolean(true));
    assert_eq!(literal("false"), Literal::Boolean(false));
    assert_eq!(literal("null"), Literal::Null);
}

/// Quirk Q14, and the example of Microsoft's documentation.
#[test]
fn values_without_quotes_are_text_in_compat_alone() {
    for text in ["externalId eq jyoung", "id eq 00u1-x.y@z", "active eq True", "externalId eq 007"] {
        let filter = Filter::parse(text, Mode::Compat).unwrap();
        let (before, value) = text.rsplit_once(' ').unwrap();
        assert_eq!(filter.to_string(), format!("{before} \"{value}\""));
        for mode in [Mode::Strict, Mode::Ipsie] {
            assert!(refusal(text, mode).contains("expected a value"));
        }
    }
}

/// RFC 7644 section 3.4.2.2 knows the space alone.
#[test]
fn values_in_single_quotes_are_text_in_compat_alone() {
    let read = |text: &str| Filter::parse(text, Mode::Compat).map(|filter| filter.to_string());
    for (text, printed) in [
        ("a eq 'x'", r#"a eq "x""#),
        ("a eq 'x y' and b eq ''", r#"a eq "x y" and b eq """#),
        ("(a eq 'O'Brien')", r#"a eq "O'Brien""#),
        (r#"a eq '"\'"#, r#"a eq "\"\\""#),
        ("a[b eq 'x] y'].c pr", r#"a[b eq "x] y"].c pr"#),
        ("a eq d'Artagnan", r#"a eq "d'Artagnan""#),
    ] {
        assert_eq!(read(text).as_deref(), Ok(printed), "{text}");
        for mode in [Mode::Strict, Mode::Ipsie] {
            assert!(refusal(text, mode).contains("a quoted string"), "{text}");
        }
    }
    for text in ["a eq 'x", "a eq '", "a eq 'x'y", "a eq 'x'y and b pr"] {
        assert!(refusal(text, Mode::Compat).contains("expected a JSON string"), "{text}");
    }
}

#[test]
fn blanks_of_other_scripts_divide_words_in_compat_alone() {
    for blank in ['\u{a0}', '\u{2003}', '\u{3000}'] {
        for text in [format!("title{blank}pr"), format!("{blank}title pr"), format!("title pr{blank}")] {
            assert_eq!(Filter::parse(&text, Mode::Compat).unwrap().to_string(), "title pr");
            refusal(&text, Mode::Strict);
            refusal(&text, Mode::Ipsie);
        }
    }
}

#[test]
fn an_error_says_where_and_what_was_expected() {
    let strict = |text| refusal(text, Mode::Strict);
    assert_eq!(
        strict(""),
        "the filter cannot be read at character 1: expected an attribute, `not (` or `(`, found the end"
    );
    assert_eq!(
        strict("userName is \"x\""),
        "the filter cannot be read at character 10: expected an operator (eq, ne, co, sw, ew, pr, gt, ge, lt or le), found \"is\""
    );
    assert_eq!(
        strict("ä eq 1"),
        "the filter cannot be read at character 1: expected an attribute, found \"ä\""
    );
    assert_eq!(
        strict("userName eq"),
        "the filter cannot be read at character 12: expected a value: a quoted string, a number, true, false or null, found the end"
    );
    assert_eq!(
        strict("a eq \"ä\" b eq 1"),
        "the filter cannot be read at character 10: expected `and`, `or` or the end, found \"b\""
    );
    assert_eq!(
        strict("a eq \"x"),
        "the filter cannot be read at character 6: expected a JSON string, found \"\\\"x\""
    );
    assert_eq!(
        strict("emails[type eq 1"),
        "the value filter cannot be read at character 17: expected `and`, `or` or `]`, found the end"
    );
}

#[test]
fn what_is_no_filter_is_refused_in_every_mode() {
    for text in [
        "userName",
        "userName eq \"a\" and",
        "and userName pr",
        "not userName pr",
        "not (userName pr",
        "(userName pr))",
        "()",
        "userName eq (\"a\")",
        "userName pr \"a\"",
        "emails[]",
        "emails[type eq \"work\"] eq \"a\"",
        "emails[type eq \"work\"].value",
        "emails[phones[type pr]]",
        "emails[type eq \"work\"]]",
        "\"userName\" eq \"a\"",
        "a..b pr",
        "a.b.c pr",
        ".a pr",
        "1a pr",
        "a eq \"\\ud800\"",
        "a eq \"\\x\"",
        "a eq \"\n\"",
    ] {
        for mode in Mode::ALL {
            refusal(text, mode);
        }
    }
}

#[test]
fn length_depth_and_number_of_terms_have_limits() {
    let nested = |depth: usize| format!("{}a pr{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Filter::parse(&nested(MAX_DEPTH), Mode::Strict).is_ok());
    assert!(refusal(&nested(MAX_DEPTH + 1), Mode::Strict).contains("32 deep at character 33"));
    refusal(&"not (".repeat(1_500), Mode::Strict);
    refusal(&"a[".repeat(1_500), Mode::Strict);

    let terms = |count: usize| vec!["a pr"; count].join(" or ");
    assert!(Filter::parse(&terms(MAX_TERMS), Mode::Strict).is_ok());
    assert!(refusal(&terms(MAX_TERMS + 1), Mode::Strict).contains("more than 100 times"));

    let long = |length: usize| format!("a eq \"{}\"", "x".repeat(length - 7));
    assert!(Filter::parse(&long(MAX_BYTES), Mode::Strict).is_ok());
    assert!(refusal(&long(MAX_BYTES + 1), Mode::Strict).contains("8193 bytes"));
}

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z][a-zA-Z0-9_-]{0,8}".prop_filter("a word of the grammar", |name| {
        !["not", "and", "or", "true", "false", "null"].contains(&name.to_ascii_lowercase().as_str())
    })
}

fn attribute() -> impl Strategy<Value = String> {
    let urn = "urn:[a-z]{1,5}:[0-9]\\.[0-9]:User:";
    (proptest::option::of(urn), name(), proptest::option::of(name())).prop_map(|(urn, name, sub)| {
        let sub = sub.map(|sub| format!(".{sub}")).unwrap_or_default();
        format!("{}{name}{sub}", urn.unwrap_or_default())
    })
}

fn comparison() -> impl Strategy<Value = Test> {
    let literal = prop_oneof![
        Just(Literal::Null),
        any::<bool>().prop_map(Literal::Boolean),
        any::<i64>().prop_map(|number| Literal::Number(number.to_string())),
        any::<f64>()
            .prop_filter("JSON has finite numbers alone", |number| number.is_finite())
            .prop_map(|number| Literal::Number(serde_json::Number::from_f64(number).unwrap().to_string())),
        any::<String>().prop_map(Literal::String),
    ];
    let operator = proptest::sample::select(Operator::WORDS.map(|(_, operator)| operator).to_vec());
    prop_oneof![
        Just(Test::Present),
        (operator, literal).prop_map(|(operator, literal)| Test::Compare(operator, literal))
    ]
}

fn tree(term: impl Strategy<Value = Term> + 'static) -> impl Strategy<Value = Tree<Term>> {
    term.prop_map(Tree::Term).prop_recursive(3, 12, 3, |operand| {
        let operands = proptest::collection::vec(operand.clone(), 2..4);
        prop_oneof![
            operand.prop_map(|operand| Tree::Not(Box::new(operand))),
            operands.clone().prop_map(Tree::All),
            operands.prop_map(Tree::Any),
        ]
    })
}

/// Any filter, with this behind its value filters.
pub(super) fn filter(
    behind: impl Strategy<Value = Option<(String, Test)>> + 'static,
) -> impl Strategy<Value = Filter> {
    let plain = |path: String| Path { attribute: path, filter: None, sub: None };
    let value_filter =
        tree((name(), comparison()).prop_map(move |(name, test)| Term { path: plain(name), test }));
    let simple = (attribute(), comparison()).prop_map(move |(path, test)| Term { path: plain(path), test });
    let valued = (attribute(), value_filter, behind).prop_map(|(attribute, filter, rest)| {
        let (sub, test) = rest.map_or((None, Test::Present), |(sub, test)| (Some(sub), test));
        Term { path: Path { attribute, filter: Some(Box::new(filter)), sub }, test }
    });
    tree(prop_oneof![simple, valued]).prop_map(Filter)
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        for mode in Mode::ALL {
            let _ = (Filter::parse(&text, mode), Path::parse(&text, mode));
        }
    }

    #[test]
    fn any_words_are_read_or_refused(words in proptest::collection::vec(
        proptest::sample::select(vec![
            "a", "a.b", "urn:x:1.0:a", "eq", "pr", "and", "or", "not", "(", ")", "[", "]", "].c", "\"s\"", "\"",
            "\\", "1", "true", "null", ".",
        ]), 0..24)) {
        let text = words.join(" ");
        for mode in Mode::ALL {
            if let Ok(filter) = Filter::parse(&text, mode) {
                prop_assert_eq!(Filter::parse(&filter.to_string(), Mode::Strict), Ok(filter));
            }
        }
    }

    #[test]
    fn a_printed_filter_reads_as_itself(filter in filter(proptest::option::of((name(), comparison())))) {
        let text = filter.to_string();
        prop_assume!(text.len() <= MAX_BYTES && text.matches(" pr").count() <= 50);
        for mode in Mode::ALL {
            prop_assert_eq!(Filter::parse(&text, mode), Ok(filter.clone()));
        }
    }
}

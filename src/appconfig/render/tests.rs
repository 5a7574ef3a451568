use serde_json::{Value as Json, json};

use super::*;
use crate::directory::view::{
    Directory, Selector, User,
    samples::{group, shown, user},
};

/// People with an e-mail address each, all of one group.
fn people(users: Vec<User>) -> Selection {
    let mut directory = Directory::default();
    let ids: Vec<_> = users.iter().map(|user| user.id().to_string()).collect();
    let members: Vec<_> = ids.iter().map(String::as_str).collect();
    directory.reset_groups(vec![group("team", &members, json!({"externalId": "00g1"}))]);
    directory.reset_users(users);
    let subjects = serde_json::from_value(json!({"groups": [{"displayName": "team"}]})).unwrap();
    Selector::new(&subjects, &ResourceSchema::user()).unwrap().find(directory.provider("okta")).select()
}

fn alice() -> User {
    user(
        "alice",
        json!({
            "displayName": "Doe, Alice",
            "name": {"givenName": "Alice"},
            "emails": [{"value": "old@example.com"}, {"value": "alice@example.com", "primary": true}],
        }),
    )
}

fn bob(more: Json) -> User {
    user("bob", with(json!({"displayName": "Bob", "emails": [{"value": "bob@example.com"}]}), more))
}

fn with(mut object: Json, more: Json) -> Json {
    let Json::Object(more) = more else { panic!("{more} is no object") };
    object.as_object_mut().unwrap().extend(more);
    object
}

fn renderer(spec: Json) -> Result<Renderer, Invalid> {
    let whole = json!({
        "provider": "okta",
        "subjects": {"groups": [{"displayName": "team"}]},
        "target": {"configMap": {"name": "target", "key": "key"}},
        "parameters": {"role": "role:admin"},
    });
    let readers = json!({
        "allowedNamespaces": {},
        "attributes": ["userName", "displayName", "emails", "name", "title",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"],
    });
    let spec = serde_json::from_value(with(whole, spec)).unwrap();
    Renderer::new(&spec, &serde_json::from_value(readers).unwrap(), &ResourceSchema::user())
}

fn render(spec: Json, selection: &Selection) -> Result<Rendered, Invalid> {
    renderer(spec)?.render(selection)
}

fn text(spec: Json, users: Vec<User>) -> String {
    let rendered = render(spec, &people(users)).unwrap();
    assert_eq!(rendered.left_out, []);
    rendered.text.unwrap()
}

#[test]
fn a_template_sees_people_groups_parameters_and_the_provider() {
    let template = "\
{% for group in groups %}
# {{ group.displayName }} ({{ group.externalId }}) of {{ provider }}
{% for user in group.members %}
{{ user.id }} {{ user.userName }} {{ user.name }} {{ user.name.givenName }} {{ user.email }} {{ parameters.role }}
{% endfor %}
{% endfor %}
{{ users | length }}
";
    insta::assert_snapshot!(text(json!({"template": template}), vec![alice()]), @r"
    # team (00g1) of okta
    alice alice alice Alice alice@example.com role:admin
    1
    ");
}

#[test]
fn an_attribute_of_an_extension_is_read_by_its_name_or_under_its_urn() {
    let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let template = format!("{{{{ users[0].department }}}} {{{{ users[0][\"{urn}\"].department }}}}");
    let user = bob(json!({urn: {"department": "Platform", "costCenter": "7"}}));
    assert_eq!(text(json!({"template": template}), vec![user]), "Platform Platform");
}

#[test]
fn what_the_provider_does_not_allow_is_undefined() {
    for template in [
        "{{ users[0].userType }}",
        "{{ users[0].costCenter }}",
        "{{ users[0].groups }}",
        "{{ users[0].nmae }}",
    ] {
        let error = render(json!({"template": template}), &people(vec![alice()])).unwrap_err();
        assert!(error.to_string().starts_with("the template fails: line 1: undefined value"), "{error}");
    }
}

#[test]
fn the_text_is_the_same_whatever_the_order_of_the_directory() {
    let spec = json!({"template": "{{ users | map(attribute='id') | join(' ') }}"});
    let (a, b) = (user("adam", json!({})), user("zoe", json!({})));
    assert_eq!(text(spec.clone(), vec![a.clone(), b.clone()]), "adam zoe");
    assert_eq!(text(spec, vec![b, a]), "adam zoe");
}

mod presets {
    use super::*;

    #[test]
    fn argo_cd_reads_a_line_for_each_person() {
        let users = vec![alice(), bob(json!({"emails": [{"value": "\"b,role:x\"@example.com"}]}))];
        insta::assert_snapshot!(text(json!({"preset": "ArgoCdRbac"}), users), @r#"
        g,alice@example.com,role:admin
        g,"""b,role:x""@example.com",role:admin
        "#);
    }

    #[test]
    fn oauth2_proxy_reads_an_address_on_each_line() {
        let users = vec![alice(), bob(json!({"emails": [{"value": "#bob@example.com"}]}))];
        insta::assert_snapshot!(text(json!({"preset": "OAuth2ProxyEmails"}), users), @r##"
        alice@example.com
        "#bob@example.com"
        "##);
    }

    #[test]
    fn nobody_is_an_empty_text() {
        for preset in ["ArgoCdRbac", "OAuth2ProxyEmails"] {
            assert_eq!(text(json!({"preset": preset}), vec![]), "");
        }
    }

    #[test]
    fn a_missing_parameter_is_the_templates_fault_and_named() {
        let error = render(json!({"preset": "ArgoCdRbac", "parameters": {}}), &people(vec![alice()]));
        assert!(error.unwrap_err().to_string().contains("parameters.role"));
    }
}

mod hostile {
    use super::*;

    /// Renders Alice and a Bob who calls himself `name`: what was written, and who was left out.
    fn with_name(spec: Json, name: &str) -> (String, Vec<String>) {
        let rendered = render(spec, &people(vec![alice(), bob(json!({"displayName": name}))])).unwrap();
        (rendered.text.unwrap(), rendered.left_out.iter().map(ToString::to_string).collect())
    }

    fn each(format: &str, line: &str) -> Json {
        json!({"format": format, "template": format!("{{% for user in users %}}\n{line}\n{{% endfor %}}\n")})
    }

    #[test]
    fn a_line_break_leaves_its_person_out_and_nobody_else() {
        for (format, line) in [
            ("Text", "{{ user.displayName }}"),
            ("Lines", "{{ user.displayName }}"),
            ("Csv", "g,{{ user.displayName }},role:dev"),
            ("Yaml", "- {{ user.displayName }}"),
            ("Ini", "{{ user.id }} = {{ user.displayName }}"),
        ] {
            let (text, left_out) = with_name(each(format, line), "Bob\ng,bob,role:admin");
            assert!(text.contains("Alice") && !text.contains("bob"), "{text}");
            assert_eq!(
                left_out,
                ["user bob: displayName holds U+000A, a control character or a line break"],
                "{format}"
            );
        }
    }

    #[test]
    fn what_means_something_to_a_format_stays_a_value() {
        let quoted = |spec: Json| with_name(spec, "\"}, admin: {x: [1, &a '<b>").0;
        let json = json!({"format": "Json", "template": "{{ users | map(attribute='displayName') | list }}"});
        insta::assert_snapshot!(quoted(json), @r#"["Doe, Alice","\"}, admin: {x: [1, &a '<b>"]"#);
        insta::assert_snapshot!(quoted(each("Yaml", "- name: {{ user.displayName }}")), @r#"
        - name: "Doe, Alice"
        - name: "\"}, admin: {x: [1, &a '<b>"
        "#);
        insta::assert_snapshot!(quoted(each("Csv", "g,{{ user.displayName }},role:dev")), @r#"
        g,"Doe, Alice",role:dev
        g,"""}, admin: {x: [1, &a '<b>",role:dev
        "#);
        let xml = json!({"format": "Xml", "template": "<us>{% for user in users %}<u n=\"{{ user.displayName }}\"/>{% endfor %}</us>"});
        insta::assert_snapshot!(quoted(xml), @r#"<us><u n="Doe, Alice"/><u n="&#34;}, admin: {x: [1, &#38;a &#39;&#60;b&#62;"/></us>"#);
    }

    #[test]
    fn a_quoted_field_after_a_space_leaves_its_person_out() {
        let spec = each("Csv", "g, {{ user.displayName }}, role:dev");
        let (text, left_out) = with_name(spec, "Bob");
        assert_eq!(text, "g, Bob, role:dev\n");
        assert!(
            left_out[0].starts_with("user alice: the result is not written: it is no Csv"),
            "{left_out:?}"
        );
    }

    #[test]
    fn an_attribute_that_is_not_printed_may_be_anything() {
        let (text, left_out) = with_name(each("Lines", "{{ user.email }}"), "Bob\nmallory@example.com");
        assert_eq!((text.as_str(), left_out.len()), ("alice@example.com\nbob@example.com\n", 0));
    }

    #[test]
    fn a_template_has_no_way_around_the_escaping() {
        for line in [
            "{% autoescape false %}{{ user.displayName }}{% endautoescape %}",
            "{% set name %}{{ user.displayName }}{% endset %}{{ name }}",
            "{% macro show(name) %}{{ name }}{% endmacro %}{{ show(user.displayName) }}",
            "{{ user.displayName | upper }}",
            "{{ 'x' ~ user.displayName }}",
            "{{ user.displayName | csv | replace('x', 'y') }}",
            "{{ user | json }}",
        ] {
            let (text, left_out) = with_name(each("Text", line), "Bob\nmallory");
            assert!(text.lines().count() == 1 && left_out.len() == 1, "{line}: {text}");
        }
        for line in [
            "{{ user.displayName | safe }}",
            "{{ user.displayName | escape }}",
            "{% include 'x' %}",
            "{{ debug() }}",
        ] {
            assert!(render(each("Text", line), &people(vec![alice()])).is_err(), "{line}");
        }
    }

    #[test]
    fn a_list_of_hostile_people_alone_is_empty_and_not_frozen() {
        let users = vec![bob(json!({"displayName": "Bob\nmallory"}))];
        let rendered = render(each("Lines", "{{ user.displayName }}"), &people(users)).unwrap();
        assert_eq!((rendered.text.as_deref(), rendered.entries, rendered.left_out.len()), (Some(""), 0, 1));
    }

    #[test]
    fn a_group_of_a_hostile_name_is_left_out_of_groups() {
        let mut selection = people(vec![alice()]);
        selection.groups.push(Arc::new(shown(group("evil", &[], json!({"displayName": "a\nb"})))));
        let spec = json!({"template": "{% for group in groups %}{{ group.displayName }}{% endfor %}"});
        let rendered = render(spec, &selection).unwrap();
        assert_eq!(rendered.text.as_deref(), Some("team"));
        assert!(rendered.left_out[0].to_string().starts_with("group evil: displayName holds U+000A"));
    }
}

mod absent {
    use super::*;

    const TITLES: &str = "{% for user in users %}{{ user.id }}={{ user.title }};{% endfor %}";

    #[test]
    fn a_person_without_a_value_that_is_printed_is_left_out() {
        let users = vec![alice(), bob(json!({"title": "boss"}))];
        let rendered = render(json!({"template": TITLES}), &people(users)).unwrap();
        assert_eq!(rendered.text.as_deref(), Some("bob=boss;"));
        assert_eq!(rendered.left_out[0].to_string(), "user alice: has no title");
    }

    #[test]
    fn a_value_may_be_asked_for_and_replaced() {
        let template = "{% for user in users %}{{ user.title | default('none') }}\
            {% if user.title %}1{% endif %}{% if user.title is defined %}2{% endif %}\
            {{ user.name.familyName | d('-') }}{{ user.emails | map(attribute='type') | list | length }}{% endfor %}";
        assert_eq!(text(json!({"template": template}), vec![alice()]), "none-2");
    }

    #[test]
    fn a_filter_makes_no_value_of_what_is_not_there() {
        let template = "{% for user in users %}{{ user.title | upper }}{% endfor %}";
        let rendered = render(json!({"template": template}), &people(vec![alice()])).unwrap();
        assert_eq!(rendered.left_out[0].to_string(), "user alice: lacks a value that a filter reads");
    }
}

mod faults {
    use super::*;

    #[test]
    fn a_template_that_fails_for_everyone_writes_nothing() {
        let users = || people(vec![alice(), bob(json!({"title": "a\nb"}))]);
        for template in [
            "{% for user in users %}{{ user.nmae }}{% endfor %}",
            "{% for user in users %}{{ '\n' }}{% endfor %}",
            "{% for user in users %}{{ parameters.rule }}{% endfor %}",
            "{% for user in users %}{{ user.emails }}{% endfor %}",
            "{% for user in users %}{{ user.title }}{{ '\t' }}{% endfor %}",
            "{% if",
        ] {
            assert!(render(json!({"template": template}), &users()).is_err(), "{template}");
        }
    }

    #[test]
    fn a_line_that_no_person_matches_writes_nothing() {
        let spec = |line: &str| {
            json!({"format": "Lines", "template": "{% for user in users %}\n{{ user.email }}\n{% endfor %}\n",
                "validate": {"line": line}})
        };
        let users = || people(vec![alice(), bob(json!({}))]);
        assert!(matches!(render(spec("^never$"), &users()), Err(Invalid::Unfit(Unfit::Line(1)))));
        assert!(matches!(render(spec("["), &users()), Err(Invalid::Line(_))));
        let rendered = render(spec("^alice@"), &users()).unwrap();
        assert_eq!((rendered.text.as_deref(), rendered.entries), (Some("alice@example.com\n"), 1));
    }

    #[test]
    fn a_text_that_is_too_long_for_everyone_writes_nothing() {
        let spec = json!({"template": "{% for user in users %}{{ user.id }}\n{% endfor %}", "validate": {"maxBytes": 7}});
        let result = render(spec, &people(vec![alice(), bob(json!({}))]));
        assert!(matches!(result, Err(Invalid::Unfit(Unfit::TooLong(7)))), "{result:?}");
    }

    #[test]
    fn work_memory_and_size_are_bounded() {
        for template in [
            "{% for a in range(10000) %}{% for b in range(10000) %}{% endfor %}{% endfor %}",
            "{{ 'x' * 100000000 }}",
            "{% set a = 'x' * 1000000 %}{% for i in range(100) %}{{ a }}{% endfor %}",
            "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        ] {
            assert!(render(json!({"template": template}), &people(vec![])).is_err(), "{template}");
        }
    }
}

mod empty {
    use super::*;

    #[test]
    fn nobody_is_what_the_app_config_says() {
        let rendered = |spec: Json| render(spec, &people(vec![])).unwrap().text;
        let template = "{\"users\": {{ users }}}";
        assert_eq!(
            rendered(json!({"template": template, "format": "Json"})).as_deref(),
            Some("{\"users\": []}")
        );
        assert_eq!(rendered(json!({"template": template, "onEmpty": "RemoveKey"})), None);
        let placeholder =
            json!({"template": template, "format": "Json", "onEmpty": "Placeholder", "placeholder": "[]"});
        assert_eq!(rendered(placeholder).as_deref(), Some("[]"));
    }

    #[test]
    fn a_placeholder_must_be_of_the_format_too() {
        let spec =
            json!({"template": "1", "format": "Json", "onEmpty": "Placeholder", "placeholder": "nobody"});
        assert!(render(spec, &people(vec![])).is_err());
    }

    #[test]
    fn an_empty_list_that_the_format_does_not_take_writes_nothing() {
        assert!(render(json!({"template": "", "format": "Json"}), &people(vec![])).is_err());
    }
}

//! `preview`: what a policy would change, whole, and how to ask the API server.

use scim_operator::api::ScimAccessPolicy;
use serde_json::json;

use super::run;
use crate::{
    access::{
        Company,
        guard::{guarded_team, held, set_members},
    },
    harness::{Identity, until},
};

#[tokio::test]
async fn a_preview_names_everyone_and_the_question_that_proves_it() {
    let company = Company::new().await;
    let people: Vec<String> = (0..25).map(|number| format!("person-{number:02}")).collect();
    for person in &people {
        company.user(person).await;
    }
    company.group("team", &people.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let policy = company.policy(json!({"mode": "Preview"})).await;
    company.until_ready(&policy, "True").await;

    let ran = run(company.plane, &Identity::Admin, &["preview", &policy, "--output=json"]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    let told = &ran.json()[0];
    let names: Vec<String> = people.iter().map(|name| format!("{}{name}", company.prefix())).collect();
    assert_eq!(
        (&told["adds"], &told["subjects"], &told["removes"]),
        (&json!(names), &json!(names), &json!([]))
    );
    let write = &told["writes"][0];
    assert_eq!((&write["action"], &write["role"]), (&json!("Create"), &json!("ClusterRole edit")));
    assert_eq!((&write["namespace"], &write["adds"]), (&json!(company.namespace), &json!(names)));
    let verify = format!("kubectl auth can-i --list --namespace={} --as={}", company.namespace, names[0]);
    assert_eq!(told["verify"][0], json!(verify));
    assert!(
        told["conditions"].as_array().unwrap().iter().any(|held| held["reason"] == "Previewed"),
        "{told}"
    );
    company.may_not_edit("person-00").await;
}

#[tokio::test]
async fn whom_a_preview_says_to_lose_access_lose_it_once_it_is_carried_out_and_nobody_else() {
    let company = Company::new().await;
    company.user("carol").await;
    let policy = company.team(json!({})).await;
    set_members(&company, &["alice", "bob", "carol"]).await;
    company.may_edit("carol").await;
    company.change::<ScimAccessPolicy>(&policy, json!({"spec": {"mode": "Preview"}})).await;
    set_members(&company, &["bob"]).await;
    let gone = ["alice", "carol"].map(|name| format!("{}{name}", company.prefix()));
    let is_shown = |policy: &ScimAccessPolicy| {
        let preview = policy.status.as_ref().and_then(|status| status.preview.as_ref());
        preview.is_some_and(|preview| preview.removes == gone)
    };
    until(&company.api(), &policy, "previewed", is_shown).await;

    let ran = run(company.plane, &Identity::Admin, &["preview", &policy, "--output=json"]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    let told = &ran.json()[0];
    assert_eq!((&told["removes"], &told["adds"]), (&json!(gone), &json!([])));
    let write = &told["writes"][0];
    assert_eq!((&write["action"], &write["removes"]), (&json!("Update"), &json!(gone)), "{told}");
    assert_eq!(told["writes"].as_array().unwrap().len(), 1);
    let asked = |name: &String| {
        json!(format!("kubectl auth can-i --list --namespace={} --as={name}", company.namespace))
    };
    assert_eq!(told["verify"], json!(gone.iter().map(asked).collect::<Vec<_>>()));
    for who in ["alice", "bob", "carol"] {
        company.may_edit(who).await;
    }

    company.change::<ScimAccessPolicy>(&policy, json!({"spec": {"mode": "Enforce"}})).await;
    company.may_not_edit("alice").await;
    company.may_not_edit("carol").await;
    company.until_ready(&policy, "True").await;
    company.may_edit("bob").await;
}

#[tokio::test]
async fn what_the_lists_of_the_chart_do_not_allow_is_not_said_to_be_given() {
    let company = Company::new().await;
    company.user("alice").await;
    company.group("team", &["alice"]).await;
    let namespaces = json!({"names": [company.namespace, "kube-system"]});
    let unlisted = json!({"roleRef": {"name": "scim-operator-auditor"}});
    for (spec, allowed) in [(unlisted, 0), (json!({"scope": {"namespaces": namespaces}}), 1)] {
        let mut spec = spec;
        spec["mode"] = json!("Preview");
        let policy = company.policy(spec).await;
        until(&company.api(), &policy, "seen", |policy: &ScimAccessPolicy| policy.status.is_some()).await;
        let ran = run(company.plane, &Identity::Admin, &["preview", &policy, "--output=json"]).await;
        assert_eq!(ran.code, allowed, "{ran:?}");
        let told = &ran.json()[0];
        let count = |field: &str| told[field].as_array().unwrap().len();
        assert_eq!((count("writes"), count("refused")), (usize::try_from(allowed).unwrap(), 1), "{told}");
        assert_eq!(count("adds"), count("writes"), "{told}");
    }
}

#[tokio::test]
async fn a_policy_that_is_carried_out_would_change_nothing_until_something_is_held() {
    let (company, policy) = guarded_team().await;
    let ran = run(company.plane, &Identity::Admin, &["preview", &policy]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.printed.contains("Nothing would change."), "{ran:?}");
    set_members(&company, &["alice"]).await;
    held(&company, &policy, 2).await;
    let ran = run(company.plane, &Identity::Admin, &["preview", &policy]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.printed.contains("The guard holds plan"), "{ran:?}");
    assert_eq!(run(company.plane, &Identity::Admin, &["preview", "nobody-wrote-it"]).await.code, 2);
}

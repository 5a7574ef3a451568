//! `explain`: by which group and policy somebody may do what they may, and why not more.

use scim_operator::api::{ScimAccessPolicy, ScimGroup, ScimProvider, ScimUser};
use serde_json::{Value, json};

use super::{Ran, run};
use crate::{
    access::{
        Company,
        guard::{guarded_team, held, set_members},
        meta,
    },
    harness::{Identity, unique},
};

async fn explain(company: &Company, who: &str, args: &[&str]) -> Ran {
    let args = [&["explain", who, "--provider", &company.provider, "--output=json"], args].concat();
    run(company.plane, &Identity::Admin, &args).await
}

/// Alice, in group `inner`, which is in `team`, whose policy gives `edit`.
async fn nested() -> (Company, String) {
    let company = Company::new().await;
    company.user("alice").await;
    company.group("inner", &["alice"]).await;
    company.group("team", &[]).await;
    let groups = json!({"spec": {"groups": [company.id("inner")]}});
    company.change::<ScimGroup>(&company.id("team"), groups).await;
    let policy = company.policy(json!({})).await;
    company.until_ready(&policy, "True").await;
    company.may_edit("alice").await;
    (company, policy)
}

#[tokio::test]
async fn a_grant_is_explained_down_through_nested_groups() {
    let (company, policy) = nested().await;
    let name = format!("{}alice", company.prefix());
    for called in ["alice", &company.id("alice"), &name] {
        let ran = explain(&company, called, &[]).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let told = ran.json();
        assert_eq!(told["token"]["user"], json!(name));
        let given = &told["given"][0];
        assert_eq!(given["by"], json!(["groups team › inner"]));
        assert_eq!((&given["role"], &given["policy"]), (&json!("ClusterRole edit"), &json!(policy)));
        assert_eq!(given["namespace"], json!(company.namespace));
        assert_eq!(given["claim"], json!(format!("user {name}")));
        assert!(given["bindingCreated"].is_string(), "{given}");
        assert_eq!(told["notGiven"], json!([]));
    }
    let words = run(company.plane, &Identity::Admin, &["explain", &name]).await;
    assert!(words.printed.contains("groups team › inner"), "{words:?}");
}

#[tokio::test]
async fn a_grant_that_ends_says_until_when() {
    let (company, policy) = nested().await;
    let until = |given: &Value| given["given"][0].get("until").cloned();
    assert_eq!(until(&explain(&company, "alice", &[]).await.json()), None);
    let end = "2999-01-31T09:30:00Z";
    let ends = json!({"spec": {"validity": {"notAfter": end}}});
    company.change::<ScimAccessPolicy>(&policy, ends).await;
    company.until_ready(&policy, "True").await;
    let ran = explain(&company, "alice", &[]).await;
    assert_eq!((ran.code, until(&ran.json())), (0, Some(json!(end))));
    let words =
        run(company.plane, &Identity::Admin, &["explain", &format!("{}alice", company.prefix())]).await;
    let mut rows = words.printed.lines().map(str::trim_end);
    assert!(rows.any(|row| row.contains(&policy) && row.ends_with(end)), "{words:?}");
}

#[tokio::test]
async fn what_is_not_given_says_why_not() {
    let (company, _) = nested().await;
    company.user("carol").await;
    let preview = company.policy(json!({"mode": "Preview", "roleRef": {"name": "view"}})).await;
    let refused = company.policy(json!({"roleRef": {"name": "cluster-admin"}})).await;
    company.until_ready(&preview, "True").await;
    company.until_ready(&refused, "False").await;

    let told = explain(&company, "alice", &[]).await.json();
    let why = |told: &Value, policy: &str| {
        let missed = told["notGiven"].as_array().unwrap().iter().find(|missed| missed["policy"] == policy);
        missed.unwrap_or_else(|| panic!("{told}"))["why"].as_str().unwrap().to_owned()
    };
    assert_eq!(why(&told, &preview), "its mode is Preview");
    assert!(why(&told, &refused).contains("ClusterRole cluster-admin is refused"), "{told}");

    let carol = explain(&company, "carol", &[]).await;
    assert_eq!(carol.code, 1, "{carol:?}");
    assert_eq!(why(&carol.json(), &preview), "it is for members of the group with displayName \"team\"");
    company.deactivate("alice").await;
    company.may_not_edit("alice").await;
    let alice = explain(&company, "alice", &[]).await;
    assert_eq!((alice.code, alice.json()["people"][0]["active"].clone()), (1, json!(false)));
    assert_eq!(why(&alice.json(), &preview), "inactive people hold nothing");
}

#[tokio::test]
async fn a_verb_and_a_resource_are_asked_of_the_api_server() {
    let (company, policy) = nested().await;
    let ask = async |verb: &str, resource: &str| {
        let args = ["--verb", verb, "--resource", resource, "--namespace", &company.namespace];
        explain(&company, "alice", &args).await
    };
    // `deploy` is a short name, and its group is not said.
    for resource in ["configmaps", "deploy", "deployments.apps", "pods/log"] {
        let verb = if resource == "pods/log" { "get" } else { "create" };
        let ran = ask(verb, resource).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let told = ran.json();
        assert_eq!((&told["asked"]["allowed"], &told["given"][0]["policy"]), (&json!(true), &json!(policy)));
    }
    let no = ask("create", "clusterroles").await;
    assert_eq!((no.code, &no.json()["given"]), (1, &json!([])));
    let unknown = ask("create", "no-such-thing").await;
    assert_eq!(unknown.code, 2);
    assert!(unknown.complained.contains("knows no resource \"no-such-thing\""), "{unknown:?}");
}

#[tokio::test]
async fn whoever_two_providers_share_is_one_answer_and_namesakes_are_not() {
    let company = Company::new().await;
    let (other, stranger, name) = (unique("other"), unique("stranger"), unique("shared"));
    let correlate = json!({"deactivateBy": "Any"});
    company.change::<ScimProvider>(&company.provider, json!({"spec": {"correlate": correlate}})).await;
    let user = json!({"prefix": company.prefix()});
    company.create::<ScimProvider>(&other, json!({"identity": {"user": user}, "correlate": correlate})).await;
    company.create::<ScimProvider>(&stranger, json!({})).await;
    for provider in [&company.provider, &other, &stranger] {
        let id = format!("{provider}-{name}");
        let spec = json!({"id": id, "provider": provider, "userName": name, "active": true, "meta": meta()});
        company.create::<ScimUser>(&id, spec).await;
    }
    let subjects = json!({"users": {"filter": format!("userName eq \"{name}\"")}});
    let of = async |provider: &str, role: &str| {
        let spec = json!({"provider": provider, "subjects": subjects, "roleRef": {"name": role}});
        let policy = company.policy(spec).await;
        company.until_ready(&policy, "True").await;
        policy
    };
    let mut policies = [of(&company.provider, "view").await, of(&other, "edit").await];
    policies.sort();
    company.may_edit(&name).await;

    let identity = format!("{}{name}", company.prefix());
    for args in [&[identity.as_str()][..], &[&name, "--provider", &other]] {
        let args = [&["explain", "--output=json"], args].concat();
        let ran = run(company.plane, &Identity::Admin, &args).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let told = ran.json();
        let texts = |list: &Value, field: &str| -> Vec<String> {
            let items = list.as_array().unwrap().iter();
            let mut texts: Vec<_> = items.map(|item| item[field].as_str().unwrap().to_owned()).collect();
            texts.sort();
            texts
        };
        assert_eq!(texts(&told["people"], "provider"), [company.provider.clone(), other.clone()]);
        assert_eq!(texts(&told["given"], "policy"), policies);
        assert!(told["given"].as_array().unwrap().iter().all(|given| given["by"] == json!(["filter"])));
    }

    let asked = run(company.plane, &Identity::Admin, &["explain", &name]).await;
    assert_eq!(asked.code, 2, "{asked:?}");
    assert!(asked.complained.contains("say which by --provider, or by the id"), "{asked:?}");
}

#[tokio::test]
async fn nobody_is_guessed_and_who_may_not_look_is_told_what_it_takes() {
    let (company, _) = nested().await;
    let nobody = explain(&company, "mallory", &[]).await;
    assert_eq!(nobody.code, 2);
    assert!(nobody.complained.contains("nobody has the userName"), "{nobody:?}");

    let user = unique("auditor");
    let auditor = Identity::person(&user, &[]);
    let args = ["explain", "alice", "--provider", &company.provider];
    let denied = run(company.plane, &auditor, &args).await;
    assert_eq!(denied.code, 2);
    assert!(denied.complained.contains("as the chart's role …-auditor lets them"), "{denied:?}");
    let bind = ["create", "clusterrolebinding", &user, "--clusterrole=scim-operator-auditor"];
    company.plane.kubectl(bind.into_iter().chain([&*format!("--user={user}")])).await.unwrap();
    let may = ["--verb=create", "--resource=configmaps", "--namespace", &company.namespace];
    let allowed = run(company.plane, &auditor, &[&args[..], &may].concat()).await;
    assert_eq!(allowed.code, 0, "{allowed:?}");
}

#[tokio::test]
async fn who_keeps_something_because_the_guard_holds_the_removal_is_told_so() {
    let (company, policy) = guarded_team().await;
    set_members(&company, &["alice"]).await;
    held(&company, &policy, 2).await;
    let told = explain(&company, "bob", &[]).await.json();
    assert!(told["given"][0]["heldSince"].is_string(), "{told}");
    let words = run(company.plane, &Identity::Admin, &["explain", &format!("{}bob", company.prefix())]).await;
    assert!(
        words.printed.contains("nothing any more, but the guard has held the removal since"),
        "{words:?}"
    );
    let alice = explain(&company, "alice", &[]).await.json();
    assert_eq!(alice["given"][0].get("heldSince"), None, "{alice}");
}

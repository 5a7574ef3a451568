//! Commands go on while objects cannot be read, and say that their answer may not be all.

use kube::api::DeleteParams;
use scim_operator::api::{ScimAccessPolicy, ScimProvider, ScimUser};
use serde_json::json;

use super::{Ran, run};
use crate::{
    access::{Company, store_unknown, unreadable_person},
    directory::alone,
    harness::{Identity, unique},
};

#[tokio::test]
async fn preview_and_prove_go_on_while_objects_cannot_be_read_and_say_so() {
    let (plane, _alone) = alone().await;
    let company = Company::on(plane).await;
    company.user("alice").await;
    company.group("team", &["alice"]).await;
    let (readable, unreadable) = (company.policy(json!({})).await, company.policy(json!({})).await);
    let provider = unique("unreadable");
    company.create::<ScimProvider>(&provider, json!({})).await;
    store_unknown::<ScimAccessPolicy>(plane, &unreadable).await;
    store_unknown::<ScimProvider>(plane, &provider).await;
    let cannot_be_read = [
        format!("ScimProvider {provider} cannot be read"),
        format!("ScimAccessPolicy {unreadable} cannot be read"),
    ];
    let command = async |args: &[&str]| run(plane, &Identity::Admin, args).await;
    let says = |ran: &Ran, told: &str, objects: &[String]| {
        assert_eq!(ran.code, 2, "{ran:?}");
        objects.iter().for_each(|object| assert!(told.contains(object), "{object} is not in {ran:?}"));
    };

    let alice = format!("{}alice", company.prefix());
    for args in [&["preview", &readable][..], &["preview"]] {
        let previewed = command(args).await;
        says(&previewed, &previewed.complained, &cannot_be_read);
        assert!(previewed.complained.contains("objects cannot be read, so this may not be all"));
        assert!(previewed.printed.contains(&format!("+ {alice}")), "{previewed:?}");
    }
    let asked_for = command(&["preview", &unreadable]).await;
    assert_eq!((asked_for.code, asked_for.printed.as_str()), (2, ""), "{asked_for:?}");
    assert!(asked_for.complained.contains(&cannot_be_read[1]), "{asked_for:?}");

    let proven = command(&["prove", &company.id("alice")]).await;
    // What bindings give needs no policy to be read.
    says(&proven, &proven.printed, &cannot_be_read[..1]);
    assert!(!proven.printed.contains(&unreadable), "{proven:?}");
    assert!(proven.printed.contains("Nothing is found, and this may not be all"), "{proven:?}");
    let namespace = format!("--namespace={}", company.namespace);
    let bind = ["create", "rolebinding", "by-hand", "--clusterrole=view", "--user", &alice, &namespace];
    plane.kubectl(bind).await.unwrap();
    let left = command(&["prove", &company.id("alice")]).await;
    assert_eq!(left.code, 1, "{left:?}");
    assert!(left.printed.contains(&cannot_be_read[0]), "{left:?}");

    plane.kubectl(["delete", "scimprovider", &provider]).await.unwrap();
    plane.kubectl(["delete", "scimaccesspolicy", &unreadable, &readable]).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_read_of_another_provider_leaves_the_answer_about_one_as_it_is() {
    let (plane, _alone) = alone().await;
    let (asked, broken) = (Company::on(plane).await, Company::on(plane).await);
    asked.user("alice").await;
    unreadable_person(&broken, "mallory", json!({"scim-operator.dev/provider": broken.provider})).await;
    let alice = format!("{}alice", asked.prefix());
    let answers = async |report: i32, explain: i32| {
        for (code, args) in [(report, &["report"][..]), (explain, &["explain", &alice])] {
            let ran = run(plane, &Identity::Admin, &[args, &["--provider", &asked.provider]].concat()).await;
            assert_eq!(ran.code, code, "{ran:?}");
            assert_eq!(ran.complained.contains(&broken.id("mallory")), code == 2, "{ran:?}");
            let ran = run(plane, &Identity::Admin, args).await;
            assert_eq!(ran.code, 2, "{ran:?}");
        }
    };
    answers(0, 1).await;
    for company in [&asked, &broken] {
        let correlate = json!({"spec": {"correlate": {"deactivateBy": "Any"}}});
        company.change::<ScimProvider>(&company.provider, correlate).await;
    }
    answers(2, 2).await;
    broken.api::<ScimUser>().delete(&broken.id("mallory"), &DeleteParams::default()).await.unwrap();
}

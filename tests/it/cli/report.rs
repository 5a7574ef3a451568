//! `report`: every person and every grant, for an access review.

use scim_operator::api::ScimUser;
use serde_json::{Value, json};

use super::run;
use crate::{access::Company, harness::Identity};

#[tokio::test]
async fn every_person_and_grant_stands_in_a_line_with_its_reason() {
    let company = Company::new().await;
    company.team(json!({"reason": "INC-4711, approved by \"bob\""})).await;
    let formula = json!({"spec": {"displayName": "=HYPERLINK(\"http://example.com\")"}});
    company.change::<ScimUser>(&company.id("alice"), formula).await;
    let report = async |format: &str| {
        let args = ["report", "--provider", &company.provider, "--format", format];
        let ran = run(company.plane, &Identity::Admin, &args).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        ran
    };

    let csv = report("csv").await.printed;
    let lines: Vec<&str> = csv.lines().collect();
    assert!(
        lines[0].starts_with("provider,userName,displayName,id,active,identity,role,namespace,policy,reason")
    );
    assert_eq!(lines.len(), 3, "{csv}");
    assert!(lines[1].contains(",\"'=HYPERLINK(\"\"http://example.com\"\")\","), "{csv}");
    assert!(lines[1].contains(",\"INC-4711, approved by \"\"bob\"\"\",group team,"), "{csv}");

    let rows = report("json").await.json();
    let Value::Array(rows) = rows else { panic!("{rows}") };
    let names: Vec<_> = rows.iter().map(|row| row["person"]["userName"].as_str().unwrap()).collect();
    assert_eq!(names, ["alice", "bob"]);
    assert_eq!((&rows[0]["role"], &rows[0]["source"]), (&json!("ClusterRole edit"), &json!("group team")));
    assert_eq!(rows[0]["namespace"], json!(company.namespace));
    assert!(rows[0]["bindingCreated"].is_string() && rows[0]["bindingChanged"].is_string(), "{rows:?}");
    assert_eq!(rows[0]["since"], rows[0]["bindingCreated"], "alice was there from the beginning");

    let unknown = run(company.plane, &Identity::Admin, &["report", "--provider", "nobody-made-it"]).await;
    assert_eq!((unknown.code, unknown.printed.as_str()), (2, ""));
    assert!(unknown.complained.contains("there is no ScimProvider nobody-made-it"), "{unknown:?}");
}

//! The commands, run as people and scripts run them: the program, its exit code and what it prints.

mod approve;
mod explain;
mod plugin;
mod preview;
mod prove;
mod report;
mod unreadable;
mod who_can;

use serde_json::Value;

use crate::{
    access::Company,
    harness::{ControlPlane, Identity},
};

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) printed: String,
    pub(crate) complained: String,
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.printed).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Runs a command to its end, as someone who sits at no terminal.
pub(crate) async fn run(plane: &ControlPlane, who: &Identity, args: &[&str]) -> Ran {
    let output = plane.operator(who).args(args).output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), printed: text(output.stdout), complained: text(output.stderr) }
}

#[tokio::test]
async fn what_does_not_exist_or_cannot_be_is_an_error_and_no_answer() {
    let company = Company::new().await;
    company.user("alice").await;
    let asked = ["--verb=get", "--resource=pods"];
    let cases: [(&[&str], &str); 6] = [
        (&["approve", "--provider=nobodys", "--yes"], "there is no ScimProvider nobodys"),
        (&["token", "list", "nobodys"], "there is no ScimProvider nobodys"),
        (&["token", "create", &company.provider, "--expires-in=0s"], "a token holds for a second at least"),
        (&["who-can", "get", "pods", "--namespace=nobodys"], "there is no namespace nobodys"),
        (
            &["explain", "alice", "--provider", &company.provider, asked[0], asked[1], "-n=nobodys"],
            "there is no namespace nobodys",
        ),
        (&["prove", ""], "a value is required"),
    ];
    for (args, told) in cases {
        let ran = run(company.plane, &Identity::Admin, args).await;
        assert!(ran.code == 2 && ran.complained.contains(told), "{args:?}: {ran:?}");
    }
    let nothing = run(company.plane, &Identity::Admin, &["approve", "--provider", &company.provider]).await;
    let told = format!("the guard holds nothing of any policy of provider {}\n", company.provider);
    assert_eq!((nothing.code, nothing.complained), (1, told));
    let none = run(company.plane, &Identity::Admin, &["token", "list", &company.provider]).await;
    assert_eq!(none.code, 0, "{none:?}");
}

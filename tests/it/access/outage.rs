//! The API server goes away, or only the line to it, and comes back: nobody loses access by that, and what has
//! changed meanwhile is carried out.

use super::{guard::set_members, history::History, process::Process, *};
use crate::{
    directory::alone,
    harness::{self, Fsync, Life, Line},
};

/// Alice, Bob and Carol, whose group may edit, and what they hold.
struct Team {
    company: Company,
    policy: String,
    history: History,
}

impl Team {
    async fn on(plane: &'static ControlPlane) -> Self {
        let company = Company::on(plane).await;
        company.user("carol").await;
        let policy = company.team(json!({})).await;
        set_members(&company, &["alice", "bob", "carol"]).await;
        for who in ["alice", "bob", "carol"] {
            company.may_edit(who).await;
        }
        let history = History::of(&company.client, &policy).await;
        Self { company, policy, history }
    }

    /// Alice is deactivated, Carol leaves the group, and Dave comes to it.
    async fn change(&self) {
        self.company.deactivate("alice").await;
        self.company.user("dave").await;
        set_members(&self.company, &["alice", "bob", "dave"]).await;
    }

    /// Until that is carried out. Bob had access at every moment since.
    async fn until_changed(self) {
        let Self { company, policy, history } = self;
        company.may_edit("dave").await;
        company.may_not_edit("alice").await;
        company.may_not_edit("carol").await;
        company.until_ready(&policy, "True").await;
        company.may_edit("bob").await;
        let holds = |who: &str| (company.prefix() + who, company.namespace.clone(), "edit".to_owned());
        let now = history.replay(|held| assert!(held.contains(&holds("bob")), "without Bob: {held:?}"));
        assert_eq!(now.await, [holds("bob"), holds("dave")].into());
    }
}

#[tokio::test]
async fn what_changes_while_the_line_to_the_api_server_is_cut_is_carried_out_once_it_is_mended() {
    let (plane, _alone) = alone().await;
    let line = Line::default();
    let watching = plane.on_line(&Identity::Admin, &line).await;
    let _process = Process::of(watching, plane.on_line(&Identity::Admin, &line).await).await;
    let team = Team::on(plane).await;
    line.cut();
    team.change().await;
    for who in ["alice", "bob", "carol"] {
        team.company.may_edit(who).await;
    }
    line.mend();
    team.until_changed().await;
}

#[tokio::test]
async fn what_changes_as_soon_as_the_api_server_is_back_is_carried_out_and_nobody_else_loses_access() {
    let plane: &'static ControlPlane = Box::leak(Box::new(ControlPlane::bare(Fsync::No).await));
    let _operator = Installation::on(plane, &[], Life::Ours).await;
    let mut team = Team::on(plane).await;
    plane.stop_api_server().await;
    plane.start_api_server().await;
    // Over connections of its own, and from now on: those of before went with the API server, and so did its memory.
    team.company.client = plane.admin().await;
    let before = std::mem::replace(&mut team.history, History::of(&team.company.client, &team.policy).await);
    assert_eq!(team.history.held(), before.held());
    team.change().await;
    // Where it took so long that the operator gave up its lease, it has ended, and a kubelet begins it again.
    let _begun_again = harness::Process::start(plane, "scim-operator-reconcile", Life::Ours).await;
    team.until_changed().await;
}

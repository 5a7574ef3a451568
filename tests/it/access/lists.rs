//! Lists that fail, break off after their first page, or take long: nothing is concluded from what they do not hold.

use http::StatusCode;

use super::{history::History, process::Process, *};
use crate::{
    directory::alone,
    harness::{LargeGroup, Line, Lists},
};

const FAILED: StatusCode = StatusCode::INTERNAL_SERVER_ERROR;
/// Who keeps access whatever happens.
const CONSTANT: &str = "bob";

/// A company whose group, which has slices, may edit in two namespaces.
struct Team {
    company: Company,
    group: LargeGroup,
    policy: String,
}

impl Team {
    /// These people are in the group.
    async fn on(plane: &'static ControlPlane, members: &[&str]) -> Self {
        let company = Company::on(plane).await;
        for name in members {
            company.user(name).await;
        }
        let ids: Vec<String> = members.iter().map(|name| company.id(name)).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let group = LargeGroup::new(&company.provider, &ids);
        group.create(&company.client).await;
        let namespaces = [&company.namespace, &plane.namespace("team").await];
        let policy = company.policy(json!({"scope": {"namespaces": {"names": namespaces}}})).await;
        Self { company, group, policy }
    }

    /// These have come to the group since it was made, and those have left it.
    async fn move_members(&self, added: &[&str], removed: &[&str]) {
        let [added, removed] = [added, removed]
            .map(|names| names.iter().map(|name| self.company.id(name)).collect::<Vec<String>>());
        let recent = json!({"spec": {"recent": {"added": added, "removed": removed}}});
        self.company.change::<ScimGroup>(&self.group.name, recent).await;
    }

    async fn may_edit(&self, who: &str) -> bool {
        let Company { plane, namespace, .. } = &self.company;
        plane.can_i(&self.company.person(who), "create", "configmaps", namespace).await
    }

    /// Nobody took anything from whoever was to keep it.
    async fn check(&self, history: History, point: &str) {
        let constant = self.company.prefix() + CONSTANT;
        history
            .replay(|held| {
                let places = held.iter().filter(|(who, ..)| *who == constant).count();
                assert_eq!(places, 2, "{point}: {held:?}");
            })
            .await;
    }
}

#[tokio::test]
async fn who_starts_while_a_list_fails_or_breaks_off_takes_nothing_from_anybody_and_does_what_is_due_once_it_comes()
 {
    let (plane, _alone) = alone().await;
    let mut process = Process::healthy(plane).await;
    for (kind, lists, waits_for) in [
        ("/scimusers", Lists::Fail(FAILED), &["scimusers"][..]),
        ("/scimgroups", Lists::Break(StatusCode::GONE), &["scimgroups"]),
        ("/scimgroupslices", Lists::Break(FAILED), &["scimgroups"]),
        ("/scimproviders", Lists::Fail(FAILED), &["scimproviders"]),
        (
            "/scimaccesspolicies",
            Lists::Break(StatusCode::GONE),
            &["clusterrolebindings", "rolebindings", "scimaccesspolicies"],
        ),
        ("/namespaces", Lists::Break(FAILED), &["namespaces"]),
        ("/clusterroles", Lists::Fail(FAILED), &["clusterroles"]),
        ("/rolebindings", Lists::Break(StatusCode::GONE), &["rolebindings"]),
    ] {
        let team = Team::on(plane, &["alice", CONSTANT, "carol"]).await;
        let Company { client, .. } = &team.company;
        team.company.user("dave").await;
        for who in ["alice", CONSTANT, "carol"] {
            team.company.may_edit(who).await;
        }
        drop(process);
        team.company.deactivate("alice").await;
        team.move_members(&["dave"], &["carol"]).await;
        let history = History::of(client, &team.policy).await;

        let line = Line::default();
        line.let_lists(kind, lists);
        process = Process::begin(plane.on_line(&Identity::Admin, &line).await, plane.admin().await);
        line.until_failed().await;
        process.until_it_waits_for(waits_for).await;
        line.let_lists(kind, Lists::Hang);
        line.until_failed().await;
        process.until_it_waits_for(waits_for).await;
        assert_eq!(History::of(client, &team.policy).await.held(), history.held(), "{kind}");
        for who in ["alice", CONSTANT, "carol"] {
            assert!(team.may_edit(who).await, "{who} without {kind}");
        }

        line.heal_lists();
        team.company.may_not_edit("alice").await;
        team.company.may_not_edit("carol").await;
        team.company.may_edit("dave").await;
        team.company.until_ready(&team.policy, "True").await;
        team.check(history, kind).await;
    }
}

#[tokio::test]
async fn a_list_that_breaks_off_takes_nothing_from_anybody_and_what_can_be_heard_is_done_meanwhile() {
    const CASES: [(&str, Lists); 9] = [
        ("/scimusers", Lists::Break(StatusCode::GONE)),
        ("/scimusers", Lists::Fail(FAILED)),
        ("/scimgroups", Lists::Break(FAILED)),
        ("/scimgroupslices", Lists::Break(StatusCode::GONE)),
        ("/scimproviders", Lists::Break(StatusCode::GONE)),
        ("/scimaccesspolicies", Lists::Break(FAILED)),
        ("/namespaces", Lists::Break(StatusCode::GONE)),
        ("/clusterroles", Lists::Break(FAILED)),
        ("/rolebindings", Lists::Break(StatusCode::GONE)),
    ];
    let (plane, _alone) = alone().await;
    // Of all kinds there is more than stands on the first page.
    let _other = Team::on(plane, &["alice"]).await;
    let team = Team::on(plane, &["leaver-0", CONSTANT]).await;
    let leavers: Vec<String> = (0..=CASES.len()).map(|number| format!("leaver-{number}")).collect();
    for name in &leavers[1..] {
        team.company.user(name).await;
    }
    let before = Process::healthy(plane).await;
    team.company.may_edit("leaver-0").await;
    team.company.until_ready(&team.policy, "True").await;
    drop(before);
    let history = History::of(&team.company.client, &team.policy).await;

    for (number, (kind, lists)) in CASES.into_iter().enumerate() {
        let line = Line::default();
        let watching = plane.on_line(&Identity::Admin, &line).await;
        let _process = Process::of(watching, plane.admin().await).await;
        line.until_watched(kind, 1).await;
        line.let_lists(kind, lists);
        line.forget(kind);
        line.until_failed().await;

        let come: Vec<&str> = leavers[1..=number + 1].iter().map(String::as_str).collect();
        let (goes, comes) = (&leavers[number], &leavers[number + 1]);
        team.company.deactivate(goes).await;
        team.move_members(&come, &[]).await;
        if kind != "/scimusers" {
            team.company.may_not_edit(goes).await;
        }
        if kind != "/scimgroups" {
            team.company.may_edit(comes).await;
        }
        assert!(team.may_edit(CONSTANT).await, "while {kind} break off");
        line.heal_lists();
        line.until_watched(kind, 2).await;
        team.company.may_not_edit(goes).await;
        team.company.may_edit(comes).await;
    }
    team.check(history, "whatever breaks off").await;
    assert!(team.may_edit(CONSTANT).await);
}

//! What a change of one person takes until it is planned, among few policies and many that do not mean them.

use std::collections::BTreeMap;

use criterion::Criterion;
use jiff::Timestamp;
use scim_operator::{
    access::{Bindable, Index, Protected},
    api::ScimGroup,
    directory::view::{Directory, GroupObject, User},
};
use serde_json::{Value, json};

use super::{PROVIDER, object};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const PEOPLE: usize = 10_000;
/// Each person is in one group, and each group has as many people.
const GROUPS: usize = 100;
/// How many policies mean people by what they are.
const FILTERS: usize = 100;

/// Everything that plans are made from.
struct Cluster {
    directory: Directory,
    index: Index,
}

pub fn measure(criterion: &mut Criterion) {
    for (policies, filters, name) in [
        (GROUPS, 0, format!("{GROUPS} policies")),
        (10 * GROUPS, 0, format!("{} policies", 10 * GROUPS)),
        (GROUPS, FILTERS, format!("{GROUPS} policies and {FILTERS} by filter")),
    ] {
        let mut cluster = Cluster::new(policies, filters);
        let (mut active, mut version) = (true, PEOPLE);
        criterion.bench_function(&format!("plan a person's change, {name}"), |bencher| {
            bencher.iter(|| {
                active = !active;
                version += 1;
                let planned = cluster.change(active, version);
                assert_eq!(planned, 1, "their group's policy, and no other");
            });
        });
    }
}

impl Cluster {
    /// A group's first policy names it, and its other ones name groups that do not exist. Filters find nobody.
    fn new(policies: usize, filters: usize) -> Self {
        let mut directory = Directory::default();
        let mut members: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for number in 0..PEOPLE {
            let user = User::from_object(object(number)).unwrap();
            members.entry(number % GROUPS).or_default().push(user.id().to_string());
            directory.apply_user(user);
        }
        for (number, members) in members {
            directory.apply_group(GroupObject::from_object(group(number, members)).unwrap());
        }
        let mut index = Index::new(Bindable::Any, Protected::default());
        let provider = kind("ScimProvider", PROVIDER, json!({}));
        index.apply_provider(serde_json::from_value(provider).unwrap(), &directory);
        let namespace = json!({"metadata": {"name": "team"}, "status": {"phase": "Active"}});
        index.apply_namespace(&serde_json::from_value(namespace).unwrap());
        index.apply_cluster_role(&serde_json::from_value(json!({"metadata": {"name": "view"}})).unwrap());
        let groups =
            (0..policies).map(|number| json!({"groups": [{"displayName": format!("group {number}")}]}));
        let filters = (0..filters).map(|number| json!({"users": {"filter": filter(number)}}));
        for (number, subjects) in groups.chain(filters).enumerate() {
            let spec = json!({
                "provider": PROVIDER,
                "subjects": subjects,
                "roleRef": {"name": "view"},
                "scope": {"namespaces": {"names": ["team"]}},
            });
            let policy = kind("ScimAccessPolicy", &format!("policy-{number}"), spec);
            index.apply_policy(serde_json::from_value(policy).unwrap());
        }
        index.reset_people(&directory);
        Self { directory, index }
    }

    /// Returns how many policies were planned.
    fn change(&mut self, active: bool, version: usize) -> usize {
        let Self { directory, index } = self;
        let mut object = object(0);
        object.spec.active = active;
        object.metadata.resource_version = Some(version.to_string());
        let change = directory.apply_user(User::from_object(object).unwrap());
        let touched = index.apply_directory(change.as_slice(), directory);
        let plans = touched.iter().filter_map(|name| index.plan_by(name, directory, Timestamp::UNIX_EPOCH));
        plans.count()
    }
}

/// What nobody is, each asked in another way than the one before.
fn filter(number: usize) -> String {
    match number % 4 {
        0 => format!("userType eq \"type {number}\""),
        1 => format!("title co \"title {number}\" and active eq true"),
        2 => format!("emails[type eq \"work\" and value ew \"@{number}.example\"]"),
        _ => format!("{ENTERPRISE}:department eq \"department {number}\" or nickName eq \"nick {number}\""),
    }
}

fn group(number: usize, members: Vec<String>) -> ScimGroup {
    let spec = json!({
        "provider": PROVIDER,
        "id": format!("group-{number}"),
        "displayName": format!("group {number}"),
        "memberCount": members.len(),
        "members": members,
        "meta": {
            "created": "2026-11-22T10:00:00Z", "lastModified": "2026-11-22T10:00:00Z", "version": 1,
        },
    });
    serde_json::from_value(kind("ScimGroup", &format!("group-{number}"), spec)).unwrap()
}

fn kind(kind: &str, name: &str, spec: Value) -> Value {
    let metadata = json!({"name": name, "uid": format!("uid of {name}"), "resourceVersion": "1"});
    json!({"apiVersion": "scim-operator.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec})
}

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    super::{Change, Group, ProviderView},
    Selector,
    groups::GroupName,
};

/// What the selectors of one provider look at: a change finds those that it could touch, however many others there
/// are.
#[derive(Debug, Default)]
pub struct Interests {
    by_group: HashMap<GroupName, BTreeSet<Arc<str>>>,
    /// A pattern may match any group, a filter any person, and nobody knows what cannot be read.
    in_everything: BTreeSet<Arc<str>>,
}

impl Interests {
    /// Takes a selector under its owner's name; none is one that could not be read.
    pub fn insert(&mut self, owner: &Arc<str>, selector: Option<&Selector>) {
        match selector.and_then(Selector::group_names) {
            None => _ = self.in_everything.insert(owner.clone()),
            Some(names) => {
                for name in names {
                    self.by_group.entry(name.clone()).or_default().insert(owner.clone());
                }
            }
        }
    }

    /// Forgets the selector that was taken so.
    pub fn remove(&mut self, owner: &str, selector: Option<&Selector>) {
        self.in_everything.remove(owner);
        for name in selector.and_then(Selector::group_names).into_iter().flatten() {
            let Some(owners) = self.by_group.get_mut(name) else { continue };
            owners.remove(owner);
            if owners.is_empty() {
                self.by_group.remove(name);
            }
        }
    }

    /// The owners of all selectors that a change [touches](Selector::touches), and of others. `view` is the provider's
    /// part after the change.
    pub fn owners(&self, change: &Change, view: &ProviderView) -> BTreeSet<&Arc<str>> {
        let (id, sides) = match change {
            Change::User(change) => (&change.id, [None, None]),
            Change::Group(change) => (&change.id, [change.before.as_ref(), change.after.as_ref()]),
        };
        let around = view.groups_containing(id);
        let groups = around.iter().map(|(group, _)| group).chain(sides.into_iter().flatten());
        let names = groups.flat_map(|group: &Arc<Group>| GroupName::all_of(group));
        let naming = names.filter_map(|name| self.by_group.get(&name)).flatten();
        naming.chain(&self.in_everything).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::{
        collection::vec,
        prelude::{any, prop_assert, proptest},
        sample::{select as any_of, subsequence},
    };
    use serde_json::json;

    use super::*;
    use crate::{
        directory::view::{
            Directory,
            samples::{group, user},
        },
        scim::schema::ResourceSchema,
    };

    const PEOPLE: [&str; 2] = ["ann", "bea"];
    const GROUPS: [&str; 3] = ["team", "inner", "other"];

    fn selectors() -> Vec<(Arc<str>, Selector)> {
        let subjects = [
            json!({"groups": [{"displayName": "Team"}]}),
            json!({"groups": [{"externalId": "00g1"}]}),
            json!({"groups": [{"id": "inner"}, {"displayName": "none"}]}),
            json!({"groups": [{"matching": "^o"}]}),
            json!({"groups": [{"id": "team"}], "users": {"filter": "userType eq \"manager\""}}),
            json!({"users": {"filter": "groups.display eq \"other\""}}),
        ];
        let read = |subjects| {
            Selector::new(&serde_json::from_value(subjects).unwrap(), &ResourceSchema::user()).unwrap()
        };
        subjects.into_iter().map(|subjects| (subjects.to_string().into(), read(subjects))).collect()
    }

    #[test]
    fn a_selector_that_was_taken_back_is_not_found() {
        let (selectors, mut interests) = (selectors(), Interests::default());
        selectors.iter().for_each(|(owner, selector)| interests.insert(owner, Some(selector)));
        selectors.iter().for_each(|(owner, selector)| interests.remove(owner, Some(selector)));
        assert!(interests.by_group.is_empty() && interests.in_everything.is_empty());
    }

    #[test]
    fn a_change_meets_nobody_who_names_other_groups() {
        let (names, mut interests) =
            ((0..1000).map(|number| format!("group {number}")), Interests::default());
        for name in names {
            let subjects = serde_json::from_value(json!({"groups": [{"displayName": name}]})).unwrap();
            let selector = Selector::new(&subjects, &ResourceSchema::user()).unwrap();
            interests.insert(&name.into(), Some(&selector));
        }
        let mut directory = Directory::default();
        directory.apply_group(group("group 7", &["ann"], json!({})));
        directory.apply_group(group("around", &[], json!({"displayName": "group 8", "groups": ["group 7"]})));
        let change = directory.apply_user(user("ann", json!({}))).unwrap();
        let met = interests.owners(&change, directory.provider("okta").unwrap());
        assert_eq!(met, BTreeSet::from([&"group 7".into(), &"group 8".into()]));
    }

    proptest! {
        #[test]
        fn whoever_is_touched_is_found(changes in vec((
            any::<bool>(), any_of(&PEOPLE[..]), any_of(&GROUPS[..]), any_of(&["team", "inner", "x"][..]),
            any_of(&["00g1", "00g2"][..]), subsequence(&PEOPLE[..], 0..=2), subsequence(&GROUPS[..], 0..=2),
        ), 0..20)) {
            let (selectors, mut interests) = (selectors(), Interests::default());
            selectors.iter().for_each(|(owner, selector)| interests.insert(owner, Some(selector)));
            let mut directory = Directory::default();
            for (version, (of_person, person, id, name, external_id, members, nested)) in (1..).zip(changes) {
                let version = version.to_string();
                let change = if of_person {
                    directory.apply_user(user(person, json!({"userType": name, "resourceVersion": version})))
                } else {
                    let spec = json!({"displayName": name, "externalId": external_id, "groups": nested, "resourceVersion": version});
                    directory.apply_group(group(id, &members, spec))
                };
                let Some(change) = change else { continue };
                let view = directory.provider("okta").unwrap();
                let found = interests.owners(&change, view);
                for (owner, selector) in &selectors {
                    prop_assert!(found.contains(owner) || !selector.touches(&change, view), "{owner}");
                }
            }
        }
    }
}

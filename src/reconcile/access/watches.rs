//! What watches tell the access controller: into the index first, and then to the queue.

use std::sync::Arc;

use futures::future::BoxFuture;
use k8s_openapi::api::{
    core::v1::Namespace,
    rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding},
};
use kube::{Api, Resource, runtime::watcher::Config};

use super::{
    super::{
        MANY_CHANGES,
        sync::{Expected, Sync},
        unreadable::Kind,
        watch::{Told, watch_anew},
    },
    Access,
};
use crate::{
    access::{BindingObject, Index, Mark, Touched},
    api::{ScimAccessPolicy, ScimProvider},
    directory::view::News,
    ops::clock,
};

const POLICIES: &str = "scimaccesspolicies";

impl Access {
    /// The watches of the kinds that only this controller looks at.
    pub(in crate::reconcile) fn watches(self: &Arc<Self>, sync: &Sync) -> Vec<BoxFuture<'static, ()>> {
        let ours = Config::default().labels(&format!("{}={}", Mark::SELECTOR.0, Mark::SELECTOR.1));
        let policies = sync.expect(POLICIES);
        // Whose a binding is, its name may tell where its label was changed, if the policy is known.
        let bindings = |name| sync.expect(name).after(POLICIES);
        let mut watches = vec![
            self.watch::<ScimAccessPolicy>(policies, Config::default(), |index, told| match told {
                Told::Applied(policy) => index.apply_policy(policy.clone()),
                Told::Deleted(gone) => index.delete_policy(&gone.name),
                Told::Unreadable(unread) => index.keep_policy(unread.metadata.clone(), &unread.why),
                Told::Listed => Touched::new(),
            }),
            self.watch::<RoleBinding>(bindings("rolebindings"), ours.clone(), binding),
        ];
        if self.everywhere {
            watches.push(self.watch::<ClusterRoleBinding>(bindings("clusterrolebindings"), ours, binding));
        }
        watches
    }

    /// Takes what the watch of providers tells.
    pub(in crate::reconcile) fn provider_told(&self, told: &Told<ScimProvider>) {
        let directory = self.directory.read();
        let touched = match told {
            Told::Applied(provider) => self.index_mut().apply_provider(provider.clone(), &directory),
            Told::Deleted(gone) => self.index_mut().delete_provider(&gone.name, &directory),
            Told::Unreadable(unread) => {
                self.events.tell(&unread.object, unread.happened(), clock::now());
                self.index_mut().keep_provider(unread.object.name.as_deref().unwrap_or_default())
            }
            Told::Listed => return,
        };
        drop(directory);
        self.queue.add(touched);
    }

    /// Takes what the watch of ClusterRoles tells.
    pub(in crate::reconcile) fn cluster_role_told(&self, told: &Told<ClusterRole>) {
        self.take(told, |index| match told {
            Told::Applied(role) => index.apply_cluster_role(role),
            Told::Deleted(gone) => index.delete_role(None, &gone.name),
            Told::Unreadable(_) | Told::Listed => Touched::new(),
        });
    }

    /// Takes what the watch of Roles tells.
    pub(in crate::reconcile) fn role_told(&self, told: &Told<Role>) {
        self.take(told, |index| match told {
            Told::Applied(role) => index.apply_namespaced_role(role),
            Told::Deleted(gone) => index.delete_role(gone.namespace.as_deref(), &gone.name),
            Told::Unreadable(_) | Told::Listed => Touched::new(),
        });
    }

    /// Takes what the watch of namespaces tells.
    pub(in crate::reconcile) fn namespace_told(&self, told: &Told<Namespace>) {
        let touched = match told {
            Told::Applied(namespace) => self.index_mut().apply_namespace(namespace),
            Told::Deleted(gone) => self.index_mut().delete_namespace(&gone.name),
            Told::Unreadable(_) | Told::Listed => return,
        };
        self.queue.add(touched);
    }

    /// Takes news of one kind of the directory.
    pub(in crate::reconcile) fn directory_told(&self, kind: Kind, news: &News) {
        self.unreadable.told(kind, news);
        let directory = self.directory.read();
        let mut index = self.index_mut();
        let touched = match news {
            News::Synced => index.reset_people(&directory),
            News::Changed(changes) if changes.len() > MANY_CHANGES => {
                index.reset_people(&directory);
                let all = index.policies();
                self.causes.note_many(changes.len(), &all);
                all
            }
            News::Changed(changes) => {
                let apply = |change| {
                    let touched = index.apply_directory(std::slice::from_ref(change), &directory);
                    self.causes.note(change, &touched);
                    touched
                };
                changes.iter().flat_map(apply).collect()
            }
            News::Unreadable(_) => {
                let [people, groups] = [Kind::Users, Kind::Groups].map(|kind| self.unreadable.of(kind));
                index.set_gaps(people, groups)
            }
        };
        drop(index);
        drop(directory);
        self.queue.add(touched);
    }

    fn watch<K>(
        self: &Arc<Self>,
        expected: Expected,
        config: Config,
        take: fn(&mut Index, &Told<K>) -> Touched,
    ) -> BoxFuture<'static, ()>
    where
        K: Resource<DynamicType = ()>
            + Clone
            + std::fmt::Debug
            + serde::de::DeserializeOwned
            + Send
            + 'static,
    {
        let access = self.clone();
        let tell = move |told: Told<K>| access.take(&told, |index| take(index, &told));
        Box::pin(watch_anew(expected, Api::all(self.watching.clone()), config, tell))
    }

    fn take<K>(&self, told: &Told<K>, take: impl FnOnce(&mut Index) -> Touched) {
        if let Told::Unreadable(unread) = told {
            self.events.tell(&unread.object, unread.happened(), clock::now());
        }
        let touched = take(&mut self.index_mut());
        self.queue.add(touched);
    }
}

fn binding<K: BindingObject>(index: &mut Index, told: &Told<K>) -> Touched {
    match told {
        Told::Applied(object) => index.apply_binding_object(object),
        Told::Deleted(gone) => index.binding_gone(gone.namespace.as_deref(), &gone.name, &gone.uid),
        Told::Unreadable(_) | Told::Listed => Touched::new(),
    }
}

use clap::Args;

use super::{
    Error,
    process::{Process, Running},
};
use crate::{
    ops::kube_client::{Role, controller_client, request_client},
    reconcile::{Context, Reconciler, Settings},
};

/// Arguments of `scim-operator reconcile`.
#[derive(Debug, Args)]
pub struct Reconcile {
    #[command(flatten)]
    process: Process,
    #[command(flatten)]
    reconciling: Reconciling,
}

/// What the controllers may do, as the chart decides it.
#[derive(Debug, Args)]
pub struct Reconciling {
    /// The lease of the replica that reconciles
    #[arg(long, value_name = "NAME", default_value = "scim-operator-reconcile")]
    lease: String,
    /// ClusterRoles that policies may give in namespaces
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    bindable_cluster_roles: Vec<String>,
    /// ClusterRoles that policies may give in the whole cluster
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    cluster_wide_roles: Vec<String>,
    /// Roles that policies may give, each as NAMESPACE/NAME
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    bindable_roles: Vec<String>,
    /// Namespaces, by name or glob, that no policy and no app config reaches
    #[arg(long, value_name = "GLOBS", value_delimiter = ',', default_value = "kube-*")]
    protected_namespaces: Vec<String>,
    /// Protected namespaces that policies reach all the same
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    allowed_protected_namespaces: Vec<String>,
    /// The ValidatingAdmissionPolicy that says which bindings this process may write
    #[arg(long, value_name = "NAME", default_value = "scim-operator-bindings")]
    admission_policy: String,
    /// Namespaces in which app configs may write
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    app_config_namespaces: Vec<String>,
}

impl Reconcile {
    pub fn run(self) -> Result<(), Error> {
        self.process.run(async |process| self.reconciling.run(process).await)
    }
}

impl Reconciling {
    /// Reconciles until the process is asked to end.
    ///
    /// # Errors
    /// When the lease is lost, or a part ends that never should.
    pub async fn run(self, process: &Running) -> Result<(), Error> {
        let watching = controller_client(process.config.clone(), Role::Reconcile)?;
        let writing = request_client(process.config.clone(), Role::Reconcile)?;
        let context = Context {
            watching: watching.clone(),
            writing,
            settings: Settings {
                namespace: process.namespace.clone(),
                lease: self.lease,
                pod: process.pod.clone(),
                bindable_cluster_roles: self.bindable_cluster_roles,
                cluster_wide_roles: self.cluster_wide_roles,
                bindable_roles: self.bindable_roles,
                protected_namespaces: self.protected_namespaces,
                allowed_protected_namespaces: self.allowed_protected_namespaces,
                admission_policy: self.admission_policy,
                app_config_namespaces: self.app_config_namespaces,
            },
            metrics: process.metrics.clone(),
            readiness: process.readiness.clone(),
        };
        // Before anything is waited for: whoever asks meanwhile must not hear that all is there.
        let reconciler = Reconciler::new(&context);
        process.definitions(&watching).await;
        Ok(reconciler.run(&process.shutdown).await?)
    }
}

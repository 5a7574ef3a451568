//! The programs that people use: kubectl, Helm, and the operator itself.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::{process::Command, sync::OnceCell};

use super::{ControlPlane, Identity};

impl ControlPlane {
    /// Runs kubectl as the administrator and returns what it printed, or what it complained about.
    pub(crate) async fn kubectl<S: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
    ) -> Result<String, String> {
        output(self.command(&self.programs.join("kubectl"), &self.kubeconfig_file).args(args)).await
    }

    /// Runs Helm as the administrator and returns what it printed, or what it complained about.
    pub(crate) async fn helm<S: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
    ) -> Result<String, String> {
        output(self.command(&self.programs.join("helm"), &self.kubeconfig_file).args(args)).await
    }

    /// The operator as someone, yet without arguments. It is killed when it is dropped.
    pub(crate) fn operator(&self, identity: &Identity) -> Command {
        self.command(&operator(), &self.kubeconfig_file(identity))
    }

    /// Any program as the administrator, with kubectl, Helm and the operator in its PATH. It is killed when it
    /// is dropped.
    pub(crate) fn program(&self, program: &str) -> Command {
        let operator = operator();
        let ours = [self.programs, operator.parent().unwrap()];
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = ours.into_iter().map(Path::to_owned).chain(std::env::split_paths(&path));
        let mut command = self.command(Path::new(program), &self.kubeconfig_file);
        command.env("PATH", std::env::join_paths(path).unwrap());
        command
    }

    /// What these programs keep about a cluster belongs to this one: another may have its address one day.
    fn command(&self, program: &Path, kubeconfig: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .kill_on_drop(true)
            .stdin(Stdio::null())
            .env("KUBECONFIG", kubeconfig)
            .env("KUBECACHEDIR", self.folder().join("kubectl"))
            .env("HELM_CACHE_HOME", self.folder().join("helm/cache"))
            .env("HELM_CONFIG_HOME", self.folder().join("helm/config"))
            .env("HELM_DATA_HOME", self.folder().join("helm/data"));
        command
    }
}

/// The binary of the operator, which lies where cargo put this program, or one folder above.
pub(crate) fn operator() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let target = program.ancestors().nth(2).unwrap();
    target.join("scim-operator")
}

/// Runs a program to its end: what it printed where it succeeded, else its complaints.
pub(crate) async fn output(command: &mut Command) -> Result<String, String> {
    let output = command.output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

/// The folder of `cluster`, `kubectl` and `helm`. They are built when they are not there yet.
pub(super) async fn folder() -> &'static Path {
    static FOLDER: OnceCell<Option<PathBuf>> = OnceCell::const_new();
    let folder = FOLDER.get_or_init(build).await.as_deref();
    folder.expect(
        "a control plane: tests/cluster/build.sh must succeed, which needs Go; its own message stands above",
    )
}

async fn build() -> Option<PathBuf> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/build.sh");
    let built = Command::new(script).stderr(Stdio::inherit()).output().await.ok()?;
    built.status.success().then(|| PathBuf::from(String::from_utf8_lossy(&built.stdout).trim_end()))
}

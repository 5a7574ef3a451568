//! What every process needs to be operated, whatever it does: a clock, logs, metrics, probes, a lease, an
//! orderly end, Kubernetes clients and a serving certificate. Knows nothing of SCIM.

pub mod clock;
pub mod kube_client;
pub mod lease;
pub mod metrics;
pub mod probes;
pub mod readiness;
pub mod shutdown;
pub mod telemetry;
pub mod tls;

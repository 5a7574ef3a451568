//! The SCIM protocol, pure: JSON in, JSON or a typed error out. No Kubernetes, no HTTP server, no clock.

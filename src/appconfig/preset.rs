//! The templates that come with the operator.

use crate::api::{Format, Preset};

/// The template of a preset, and the format that it makes whatever the app config says.
pub fn preset(preset: Preset) -> (&'static str, Format) {
    match preset {
        Preset::ArgoCdRbac => (include_str!("preset/argocd-rbac.csv.j2"), Format::Csv),
        Preset::OAuth2ProxyEmails => (include_str!("preset/oauth2-proxy-emails.j2"), Format::Csv),
    }
}

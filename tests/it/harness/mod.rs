//! What the tests stand on: a control plane, people and service accounts on it, programs that talk to
//! it, and waiting that watches.
#![allow(dead_code, unused_imports, reason = "the tests, the demo and `make up` each use a part of it")]

mod access;
mod control_plane;
pub(crate) mod crash;
mod deaf;
mod identity;
mod installation;
mod large_group;
mod line;
mod names;
mod programs;
mod scim;
mod supervisor;
mod wait;
mod withheld;

pub(crate) use self::{
    control_plane::{ControlPlane, Fsync},
    deaf::Deaf,
    identity::Identity,
    installation::{APPS, Installation, Life, NAMESPACE, Process},
    large_group::LargeGroup,
    line::{Line, Lists},
    names::unique,
    programs::{operator, output},
    scim::{Answer, ScimClient},
    wait::{DEADLINE, await_until, until, until_gone},
    withheld::Withheld,
};

//! What the tests stand on: a control plane, people and service accounts on it, programs that talk to
//! it, and waiting that watches.

mod access;
mod control_plane;
mod identity;
mod names;
mod programs;
mod supervisor;
mod wait;

pub(crate) use self::{
    control_plane::{ControlPlane, Fsync},
    identity::Identity,
    programs::output,
    wait::{DEADLINE, until, until_gone},
};

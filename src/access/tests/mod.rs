#![expect(clippy::needless_pass_by_value, reason = "specs are written where they are passed")]

mod answers;
mod bad_input;
mod correlation;
mod delays;
mod drift;
mod ending;
mod examples;
mod first;
mod grown;
pub(crate) mod guard;
mod lanes;
mod nameless;
mod people;
mod places;
mod property;
mod released;
mod renamed;
mod replaced;
mod since;
mod token_groups;
mod touching;
mod unread;
mod window;
pub(crate) mod world;

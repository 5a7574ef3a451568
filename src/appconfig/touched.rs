//! Which app configs a change of the directory touches: nothing is rendered again for a change that cannot
//! matter to it.

use super::index::{Config, Index, Touched};
use crate::directory::view::{Change, Directory};

impl Index {
    /// The app configs that these changes touch. `directory` is the state after them.
    pub fn touched(&self, changes: &[Change], directory: &Directory) -> Touched {
        let touches = |config: &Config| {
            let Ok(reading) = &config.reading else { return false };
            changes.iter().filter(|change| **change.provider() == *reading.provider()).any(|change| {
                directory.provider(reading.provider()).is_some_and(|view| {
                    // The first of all tells everyone that the directory is there.
                    let is_first = view.users().len() + view.groups().len() <= 1;
                    is_first || reading.selector().touches(change, view)
                })
            })
        };
        self.configs.iter().filter(|(_, config)| touches(config)).map(|(name, _)| name.clone()).collect()
    }
}

//! What applications are told: from the people of a directory to the text under one key. Pure: the same
//! directory, app config and target always give the same plan.

mod escape;
mod person;
mod preset;
mod print;
mod render;
mod template;
mod validate;

pub use escape::Refusal;
pub use render::{Invalid, LeftOut, Rendered, Renderer};
pub use template::TemplateError;
pub use validate::Unfit;

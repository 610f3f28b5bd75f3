//! Creating: which records get a counterpart, and with what in it (L8, C1, C3–C5).

mod compose;
mod connected;
mod creation;
mod qualify;
mod refused;

pub use connected::neighbours;
pub use creation::Creation;
pub use qualify::create;
pub use refused::refused;

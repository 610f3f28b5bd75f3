//! Whole worlds in one process from one seed: systems with habits and bad days, people who edit,
//! type in and delete, a hub that is killed at any step and started again on what its store had.
//! After a phase in which anything may go wrong everything heals, and then the world must come to
//! rest with everything as the rules say.
//!
//! The shape of the argument is TigerBeetle's (`vopr`): the world is drawn and told before anything
//! happens in it, faults come first and progress is demanded after them, checkers are separate and
//! small, and a seed replays exactly.
//!
//! ```text
//! draw     what kind of world        system   one of its systems, behind the connectors' trait, with checks on every write
//! mortal   a store whose process dies         truth    what really happened
//! world    who does what, and settling        checkers what must be true at the end
//! ```

pub mod acts;
pub mod automation;
pub mod checkers;
pub mod clock;
pub mod draw;
pub mod forms;
pub mod grouped;
pub mod lines;
pub mod mortal;
pub mod random;
pub mod system;
pub mod tags;
pub mod truth;
pub mod world;

pub use world::{Options, Outcome, World};

/// Plays the world of a seed.
pub fn play(seed: u64, options: Options) -> Outcome {
    World::new(seed, options).play()
}

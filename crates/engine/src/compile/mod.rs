//! Compiling: the plan of flows, made once from all flows of a project and the schemas of its
//! systems.

mod build;
mod combined;
mod flows;
mod follow;
mod matches;
mod ranks;
mod rows;
mod types;
mod watch;
mod whole;

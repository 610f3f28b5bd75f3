//! All tests of this crate in one program: linking a program for each file takes longer than
//! running it.

mod answers;
mod damaged;
mod deleting;
mod doubted;
mod dying;
mod fated;
mod guarding;
mod identity;
mod mirroring;
mod moments;
mod over_http;
#[path = "../../connector/tests/serving/mod.rs"]
mod serving;
mod two_folders;
mod writing_over_http;

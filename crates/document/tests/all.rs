//! All tests of this crate in one program: linking a program for each file takes longer than
//! running it.

mod forms;
mod laws;
mod notes;
mod seeds;
mod warnings;

//! All tests of this crate in one program: linking a program for each file takes longer than
//! running it.

mod caught;
mod sandbox;

//! All tests of this crate in one program: linking a program for each file takes longer than
//! running it.

mod contract;
mod copies;
mod file;
mod round_trip;

//! All tests of this crate in one program: linking a program for each file takes longer than
//! running it.

mod broken;
mod following;
mod harm;
mod loading;
mod messages;
mod round_trip;
mod schemas;
mod sources;
mod support;

//! Real servers, kept in step with one of the emulated systems through everything that
//! `lockstep sync` goes through: linked, created, kept equal both ways, and left alone by an idle
//! run. A server that is not installed is told of and left out (see `servers`).

mod address_book;
mod databases;
mod redmine;
mod scim;

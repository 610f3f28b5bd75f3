//! All tests of this crate in one program: linking a program for each file takes longer than
//! running it.

mod adopting;
mod chains;
mod changed_flows;
mod claims;
mod deleting;
mod each;
mod facets;
mod first_link;
mod flipping;
mod following;
mod groups;
mod guards;
mod identity;
mod keeping;
mod kit;
mod linking;
mod mirroring;
mod recovering;
mod rows;
mod several;
mod undoing;
mod unlinking;

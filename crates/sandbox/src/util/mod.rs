//! Small pure helpers that several emulators share: time formats, JSON merging, text, ids.

pub mod base64;
pub mod filter;
pub mod ids;
pub mod json;
pub mod odata;
pub mod shape;
pub mod text;
pub mod time;

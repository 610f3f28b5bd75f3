//! Access tokens that a program gets for its own credentials (RFC 6749, section 4.4), without
//! anybody signing in.

use crate::util::ids::Source;
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;

/// The tokens of one system.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    prefix: &'static str,
    /// How long one lives.
    pub seconds: i64,
    until: HashMap<String, Timestamp>,
}

impl Tokens {
    pub fn new(prefix: &'static str, seconds: i64) -> Self {
        Self { prefix, seconds, until: HashMap::new() }
    }

    pub fn issue(&mut self, ids: &mut Source, now: Timestamp) -> String {
        let token = ids.token(self.prefix);
        self.until(&token, now + SignedDuration::from_secs(self.seconds));
        token
    }

    /// A token lives until then.
    pub fn until(&mut self, token: &str, end: Timestamp) {
        self.until.insert(token.to_owned(), end);
    }

    pub fn admits(&self, token: &str, now: Timestamp) -> bool {
        self.until.get(token).is_some_and(|until| *until > now)
    }

    /// One token ends; false when there was none.
    pub fn end(&mut self, token: &str) -> bool {
        self.until.remove(token).is_some()
    }

    /// All tokens end now.
    pub fn expire(&mut self) {
        self.until.clear();
    }
}

//! What `user list` and `token list` print.

use lockstep_console::accounts::{Token, User};
use lockstep_model::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// The users of the console.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Users(Vec<OneUser>);

#[derive(Debug, Serialize, JsonSchema)]
struct OneUser {
    name: String,
    /// `viewer`, `reviewer`, `operator` or `admin`
    role: String,
}

impl Users {
    pub fn new(users: &[User]) -> Self {
        let one = |user: &User| OneUser { name: user.name.clone(), role: user.role.name().into() };
        Users(users.iter().map(one).collect())
    }
}

/// What programs show to the HTTP API, without what opens it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Tokens(Vec<OneToken>);

#[derive(Debug, Serialize, JsonSchema)]
struct OneToken {
    name: String,
    /// `look`, `review`, `operate`, `admin`
    scopes: Vec<String>,
    ends: String,
    /// It opens nothing any more.
    ended: bool,
}

impl Tokens {
    pub fn new(tokens: &[Token], now: Timestamp) -> Self {
        let one = |token: &Token| OneToken {
            name: token.name.clone(),
            scopes: token.scopes.iter().map(|scope| scope.name().to_string()).collect(),
            ends: token.ends.to_string(),
            ended: token.ends <= now,
        };
        Tokens(tokens.iter().map(one).collect())
    }
}

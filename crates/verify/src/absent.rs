//! In place of the emulated systems, in a build without them: what the trials would ask of one.
//! There is never a value of these types, so that nothing here can be called.

use std::fmt;

use serde_json::Value;

pub struct Running(Never);

#[derive(Clone, Copy)]
pub enum Never {}

impl fmt::Display for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

#[derive(Clone)]
pub struct Setting(Never);

pub struct LoggedRequest {
    pub n: u64,
    pub method: String,
    pub path: String,
    pub status: u16,
    pub sent: Option<String>,
    pub answered: Option<String>,
}

impl Running {
    pub fn put(&self, _: &str, _: &str, _: Value) -> Result<Value, Never> {
        match self.0 {}
    }

    pub fn edit(&self, _: &str, _: &str, _: &str, _: &Value) -> Result<Value, Never> {
        match self.0 {}
    }

    pub fn remove(&self, _: &str, _: &str, _: &str) -> Result<(), Never> {
        match self.0 {}
    }

    pub fn requests(&self, _: u64) -> Vec<LoggedRequest> {
        match self.0 {}
    }

    pub fn last_request(&self) -> u64 {
        match self.0 {}
    }

    pub fn systems(&self) -> Vec<String> {
        match self.0 {}
    }

    pub fn set_faults(&self, _: &str, _: Setting) -> Result<(), Never> {
        match self.0 {}
    }

    pub fn clear_faults(&self, _: &str) -> Result<(), Never> {
        match self.0 {}
    }
}

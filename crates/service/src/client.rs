//! Asks a service that is at work.

use std::path::Path;
use std::time::Duration;

use crate::request::{Refusal, Reply, Request};
use crate::socket::{Sign, VERSION, place, proof, read};

/// A service on this machine says that it is there within this, or has gone.
const IS_THERE: Duration = Duration::from_secs(2);

fn agent(within: Option<Duration>) -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None);
    ureq::Agent::new_with_config(config.timeout_global(within).build())
}

/// A service that is at work on a store.
#[derive(Debug)]
pub struct Client {
    sign: Sign,
}

impl Client {
    /// The service at work on this store, if there is one.
    pub fn of(store: &Path) -> Option<Client> {
        let sign = read(&place(store))?;
        // What a service left that was killed leads nowhere, or to somebody else by now.
        let mut answer = agent(Some(IS_THERE)).get(&sign.url).call().ok()?;
        let shown = answer.body_mut().with_config().limit(1_000).read_to_string().ok()?;
        (shown == proof(&sign.token)).then_some(Client { sign })
    }

    /// Asks for something and waits for the answer, however long it takes.
    ///
    /// # Errors
    /// What was asked is refused, or the service has ended meanwhile.
    pub fn ask(&self, request: &Request) -> Result<Reply, Refusal> {
        if self.sign.version != VERSION {
            return Err(Refusal::Person(format!(
                "the service at work on this store is lockstep {}, and this is {VERSION}: start it anew",
                self.sign.version
            ).into()));
        }
        let gone = |error: &dyn std::fmt::Display| {
            Refusal::Person(format!(
                "the service ended before it answered ({error}): whether it was done, the history tells"
            ).into())
        };
        let mut answer = agent(None)
            .post(format!("{}/requests", self.sign.url))
            .header("Authorization", format!("Bearer {}", self.sign.token))
            .send_json(request)
            .map_err(|error| gone(&error))?;
        let body = answer.body_mut().with_config().limit(u64::MAX).read_to_vec();
        let body = body.map_err(|error| gone(&error))?;
        serde_json::from_slice::<Result<Reply, Refusal>>(&body).map_err(|error| gone(&error))?
    }
}

//! Who is signed in, in memory: a service that is started anew has everybody sign in again.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::accounts::{AccountError, Accounts, User, random, sha256};

/// A session ends after this, and after being left alone for so long.
const LONGEST: Duration = Duration::from_secs(12 * 3_600);
const ALONE: Duration = Duration::from_secs(2 * 3_600);
/// Maximum number of sessions; the oldest goes.
const MOST: usize = 1_000;

struct Session {
    user: String,
    /// The user's mark then: a session ends with the password.
    mark: String,
    began: Instant,
    seen: Instant,
}

/// All sessions, by the hash of what the browser shows.
#[derive(Default)]
pub(crate) struct Sessions(HashMap<String, Session>);

impl Sessions {
    /// Begins a session. Gives what the browser is to show.
    pub fn begin(&mut self, user: &User, now: Instant) -> Result<String, AccountError> {
        self.0.retain(|_, session| is_on(session, now));
        if self.0.len() >= MOST {
            let oldest = self.0.iter().min_by_key(|(_, session)| session.seen);
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                self.0.remove(&key);
            }
        }
        let shown = random()?;
        let (user, mark) = (user.name.clone(), user.mark().to_string());
        self.0.insert(sha256(&shown), Session { user, mark, began: now, seen: now });
        Ok(shown)
    }

    /// Whose session this is, if it is on.
    pub fn of<'a>(
        &mut self,
        shown: &str,
        accounts: &'a Accounts,
        now: Instant,
    ) -> Option<&'a User> {
        let session = self.0.get_mut(&sha256(shown)).filter(|session| is_on(session, now))?;
        let user = accounts.user(&session.user).filter(|user| user.mark() == session.mark)?;
        session.seen = now;
        Some(user)
    }

    /// Ends a session.
    pub fn end(&mut self, shown: &str) {
        self.0.remove(&sha256(shown));
    }
}

fn is_on(session: &Session, now: Instant) -> bool {
    now.duration_since(session.began) < LONGEST && now.duration_since(session.seen) < ALONE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::Role;

    #[test]
    fn a_session_ends_with_time_with_the_password_and_with_its_user() {
        let mut accounts = Accounts::default();
        accounts.add_user("Liv", Role::Viewer, "a long password").unwrap();
        let (mut sessions, now) = (Sessions::default(), Instant::now());
        let shown = sessions.begin(accounts.user("Liv").unwrap(), now).unwrap();
        let mut is_liv = |accounts: &Accounts, at: Instant| {
            sessions.of(&shown, accounts, at).is_some_and(|user| user.name == "Liv")
        };
        assert!(is_liv(&accounts, now));
        let mut changed = accounts.clone();
        changed.set_password("Liv", "another password").unwrap();
        assert!(!is_liv(&changed, now));
        assert!(!is_liv(&Accounts::default(), now));
        let mut at = now;
        while at < now + LONGEST - ALONE / 2 {
            assert!(is_liv(&accounts, at), "it is used");
            at += ALONE / 2;
        }
        assert!(!is_liv(&accounts, now + LONGEST));
        let shown = sessions.begin(accounts.user("Liv").unwrap(), now).unwrap();
        assert!(sessions.of(&shown, &accounts, now + ALONE).is_none(), "it was left alone");
        let shown = sessions.begin(accounts.user("Liv").unwrap(), now).unwrap();
        sessions.end(&shown);
        assert!(sessions.of(&shown, &accounts, now).is_none());
    }
}

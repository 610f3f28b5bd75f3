//! Which account a system is connected with (R9).

use std::collections::HashMap;

use lockstep_connector::Trouble;
use lockstep_model::guarding::Guarding;
use lockstep_model::{About, GuardKind, ReviewKind, Value};
use lockstep_store::{Commit, ReviewKey};
use serde_json::json;

use crate::error::Result;
use crate::ledger::accounts::{account_mark, strange_mark};
use crate::reading::reader::Reader;
use crate::report::Event;
use crate::under_way::Underway;

impl Reader<'_> {
    /// R9: asks each system whose account it is, where it tells. Another account than the one whose
    /// records are known is left alone.
    pub(crate) fn check_accounts(&mut self, under_way: &mut Underway) -> Result<()> {
        if std::mem::replace(&mut self.ledger.accounts_checked, true) {
            return Ok(());
        }
        let marks: HashMap<String, Value> = self.ledger.store.marks()?.into_iter().collect();
        for system in 0..self.systems.len() {
            if self.ledger.leaves_out(under_way, system) {
                continue;
            }
            let name = self.systems[system].name.clone();
            let account = match self.systems[system].connector.account() {
                Ok(None) => continue,
                Ok(Some(account)) => account,
                Err(Trouble::Malformed(message)) => {
                    under_way.report.system(&name).refused += 1;
                    under_way.report.event(|| Event::Fault { place: name.clone(), message });
                    continue;
                }
                Err(trouble) => {
                    self.ledger.accounts_checked = false;
                    self.pause(under_way, system, None, &trouble);
                    continue;
                }
            };
            let mark = account_mark(&name);
            let known = marks.get(&mark).and_then(Value::as_str).map(str::to_string);
            let ty = self.ledger.type_for(system);
            let believed = under_way.guards.believes_all_of(ty);
            let mut commit = Commit::default();
            if known.as_ref() == Some(&account) || known.is_none() || believed {
                if known.as_ref() != Some(&account) {
                    commit.marks.push((mark, Some(json!(account))));
                }
                if marks.contains_key(&strange_mark(&name)) {
                    under_way.guards.stopped.remove(&(ty, GuardKind::Vanished));
                    let about = About::Guard(GuardKind::Vanished);
                    commit.reviews_closed.push(ReviewKey {
                        kind: ReviewKind::Guard,
                        about,
                        ty,
                        prop: None,
                    });
                    commit.marks.push((strange_mark(&name), None));
                }
                if commit != Commit::default() {
                    self.ledger.store.commit(commit)?;
                }
                continue;
            }
            // It is asked again by the next run, whoever has put the settings right meanwhile.
            self.ledger.accounts_checked = false;
            let known = known.unwrap_or_default();
            let why = Guarding::OtherAccount {
                system: name.clone(),
                account: account.clone(),
                known: known.clone(),
            };
            commit.marks.push((strange_mark(&name), Some(json!(account))));
            let value =
                json!({"system": name, "guard": "account", "known": known, "account": account});
            self.ledger.ask_about_account(under_way, ty, value, why, &mut commit);
            self.ledger.store.commit(commit)?;
        }
        Ok(())
    }
}

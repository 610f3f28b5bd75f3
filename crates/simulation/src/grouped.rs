//! What can be said of a write to a group of properties by who sees only its record (P1e).

use crate::draw::WHO;
use crate::forms::GROUP;
use crate::system::{Row, SimulatedSystem};
use crate::truth::{Deed, Truth};

impl SimulatedSystem {
    /// No group comes back into the record in which it was put in (P1).
    pub(crate) fn check_group(&self, truth: &mut Truth, before: &Row, row: &Row, deed: &Deed) {
        let numbers = row.group();
        if numbers == before.group() {
            return;
        }
        let who = row.texts.get(WHO).cloned().unwrap_or_default();
        let unseen = |number: &u64| {
            !before.has_seen(*number)
                && truth.edits.get(number).is_some_and(|edit| edit.at == deed.at)
        };
        if numbers.iter().flatten().any(unseen) {
            // Somebody has put in another part a moment ago: the two are together from here on.
            truth.put_in_group(deed.at.clone(), numbers);
            return;
        }
        let mut put_in = truth.groups.iter().filter(|put_in| put_in.numbers == numbers).peekable();
        let said = GROUP.iter().any(|prop| truth.said.contains(&(who.clone(), *prop)));
        if put_in.peek().is_some() && put_in.all(|put_in| put_in.at == deed.at) && !said {
            let message = format!(
                "{numbers:?} comes back into {}/{}, where it was put in, over {:?}",
                self.drawn.name,
                row.id,
                before.group()
            );
            truth.broken("echo", &who, message);
        }
    }
}

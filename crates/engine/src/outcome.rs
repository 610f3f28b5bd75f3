//! What the answer to a creation means (C2, R9): that a record was made, or one found.

use lockstep_model::value::{is_empty, same};
use lockstep_model::{Intent, ReadRecord, RecordState, Value};

use crate::identity::is_back;
use crate::plan::Plan;

/// What a system has done that says it has created a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Creation {
    /// C2: by its idempotency key the system gave what it had made at an earlier try, and what has
    /// been read since.
    MadeBefore,
    /// R9: the key of a record that is known as somebody else, who has nothing of what was sent:
    /// that one may be gone, and its key be given on. What the record shows decides it, or a
    /// person.
    KnownAsAnother,
    /// R9: what is known already has not been made by this, but found; and perhaps overwritten.
    HadAlready,
    /// A new record. Where one that is gone is known by its key, it has inherited that.
    Made,
}

/// What the answer to a creation means, where `known` is the record that is known by the key in the
/// answer, and `answered` says that another creation has just been answered with it.
pub fn creation(
    plan: &Plan,
    intent: &Intent,
    answer: &ReadRecord,
    known: Option<&RecordState>,
    answered: bool,
    sent: &[(usize, Value)],
) -> Creation {
    match known {
        Some(known) if made_before(plan, intent, known, sent) => Creation::MadeBefore,
        _ if answered => Creation::HadAlready,
        Some(known) if known.is_live() && has_nothing_of(plan, known, sent) => {
            Creation::KnownAsAnother
        }
        Some(known) if is_it(plan, known, answer, sent) => Creation::HadAlready,
        _ => Creation::Made,
    }
}

/// R9: whether a record holds nothing of what was sent that tells one record from another.
fn has_nothing_of(plan: &Plan, known: &RecordState, sent: &[(usize, Value)]) -> bool {
    let props = &plan.ty(known.ty).props;
    sent.iter().all(|(prop, value)| {
        let described = &props[*prop];
        let says_nothing = is_empty(value) || value.is_boolean() || !described.refers_to.is_empty();
        says_nothing || !same(described.terms(), known.slots[*prop].value(described.whole), value)
    })
}

/// C2: whether a creation that had been tried before was answered with what that try made, and what
/// has been read since. What belongs to somebody, and has nothing of what was sent, is another
/// (R9).
fn made_before(plan: &Plan, intent: &Intent, known: &RecordState, sent: &[(usize, Value)]) -> bool {
    let may_be_it = || {
        let alone = known.is_live() && known.entity.0 == known.id.0 && known.written_at.is_none();
        known.first_seen >= intent.decided_at && (alone || !has_nothing_of(plan, known, sent))
    };
    intent.message.is_some() && may_be_it()
}

/// R9: whether a record that a creation was answered with is the one that is known by that key. One
/// that is there surely is; the key of one that is gone may have been given to the new one.
fn is_it(plan: &Plan, known: &RecordState, answer: &ReadRecord, sent: &[(usize, Value)]) -> bool {
    let mut answer = answer.clone();
    for (prop, value) in sent {
        answer.values[*prop].get_or_insert_with(|| value.clone());
    }
    known.is_live() || is_back(plan, known, &answer)
}

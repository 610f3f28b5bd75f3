//! How far a record type of elements has been read: as far as the one that they stand in, of which
//! of its records something could not be read, and which property was the elements' id.

use serde::{Deserialize, Serialize};

use super::settings::Kind;
use crate::Checkpoint;
use crate::key::Key;

/// Ends the bytes of such a checkpoint, after the length of what stands before it.
const MARK: &[u8] = b"elements";

/// What is remembered besides the other record type's checkpoint.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Beside {
    Kept {
        id: Key,
        damaged: Vec<String>,
    },
    /// As it was kept before the id was.
    Damaged(Vec<String>),
}

/// The other record type's checkpoint, and the ids of its records whose lists are damaged. Nothing
/// where the elements of the checkpoint had another id: all of them are others now (R1).
pub(super) fn resume(kind: &Kind, checkpoint: &Checkpoint) -> Option<(Checkpoint, Vec<String>)> {
    let (inner, beside) = apart(checkpoint);
    match beside {
        Some(Beside::Kept { id, .. }) if id != kind.key() => None,
        Some(Beside::Kept { damaged, .. } | Beside::Damaged(damaged)) => Some((inner, damaged)),
        None => Some((inner, vec![])),
    }
}

fn apart(checkpoint: &Checkpoint) -> (Checkpoint, Option<Beside>) {
    let whole = || (checkpoint.clone(), None);
    let Some(rest) = checkpoint.bytes.strip_suffix(MARK) else { return whole() };
    let Some((rest, length)) = rest.split_last_chunk::<4>() else { return whole() };
    let Some(at) = rest.len().checked_sub(u32::from_le_bytes(*length) as usize) else {
        return whole();
    };
    let (inner, damaged) = rest.split_at(at);
    let inner = Checkpoint { text: checkpoint.text.clone(), bytes: inner.to_vec() };
    (inner, serde_json::from_slice(damaged).ok())
}

/// Both in one.
pub(super) fn together(kind: &Kind, inner: Checkpoint, damaged: Vec<String>) -> Checkpoint {
    let Checkpoint { text, mut bytes } = inner;
    let beside = Beside::Kept { id: kind.key(), damaged };
    let beside = serde_json::to_vec(&beside).unwrap_or_default();
    bytes.extend_from_slice(&beside);
    bytes.extend_from_slice(&(beside.len() as u32).to_le_bytes());
    bytes.extend_from_slice(MARK);
    Checkpoint { text, bytes }
}

//! How far a record type of elements has been read: as far as the one that they stand in, and of
//! which of its records something could not be read.

use crate::Checkpoint;

/// Ends the bytes of such a checkpoint, after the length of what stands before it.
const MARK: &[u8] = b"elements";

/// The other record type's checkpoint, and the ids of its records whose lists are damaged.
pub(super) fn apart(checkpoint: &Checkpoint) -> (Checkpoint, Vec<String>) {
    let whole = || (checkpoint.clone(), vec![]);
    let Some(rest) = checkpoint.bytes.strip_suffix(MARK) else { return whole() };
    let Some((rest, length)) = rest.split_last_chunk::<4>() else { return whole() };
    let Some(at) = rest.len().checked_sub(u32::from_le_bytes(*length) as usize) else {
        return whole();
    };
    let (inner, damaged) = rest.split_at(at);
    let inner = Checkpoint { text: checkpoint.text.clone(), bytes: inner.to_vec() };
    (inner, serde_json::from_slice(damaged).unwrap_or_default())
}

/// Both in one.
pub(super) fn together(inner: Checkpoint, damaged: &[String]) -> Checkpoint {
    let Checkpoint { text, mut bytes } = inner;
    let damaged = serde_json::to_vec(damaged).unwrap_or_default();
    bytes.extend_from_slice(&damaged);
    bytes.extend_from_slice(&(damaged.len() as u32).to_le_bytes());
    bytes.extend_from_slice(MARK);
    Checkpoint { text, bytes }
}

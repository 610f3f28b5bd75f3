//! What was refused is left out (G4, R6).

use lockstep_model::{PropIx, RecordState, Review, ReviewKind, TypeIx};

/// Whether a property was refused with this very value before (G4), or not kept (R6): it is left
/// out until the value changes.
pub fn refused<'a>(
    reviews: &'a [Review],
    record: &RecordState,
    ty: TypeIx,
    prop: PropIx,
) -> Option<&'a Review> {
    reviews.iter().find(|r| {
        let kind = matches!(r.kind, ReviewKind::RejectedValue | ReviewKind::NotKept);
        kind && r.about.is(record.id) && r.ty == ty && r.prop == Some(prop)
    })
}

//! What a system's own thread does: it lists record types, and sends page after page.

use std::collections::HashMap;
use std::sync::Arc;

use lockstep_connector::{Checkpoint, Connector, Page, ReadRequest, Trouble};
use lockstep_model::flow::PropertyRef;
use lockstep_model::{Timestamp, TypeIx};

use crate::clock::Clock;
use crate::ledger::Ledger;

/// Page size during the first reading of a record type.
pub(crate) const BULK: usize = 20_000;

/// About how many records a page should have in service.
const PAGE: usize = 1_000;

/// A listing that has not more pages than this is believed to be one listing; beyond, the system
/// turns in circles.
const MOST_PAGES: usize = 1_000_000;

/// What a system's thread sends.
pub(crate) enum ReaderMessage {
    /// With the time at which it was asked for.
    Page {
        ty: TypeIx,
        page: Page,
        asked: Timestamp,
    },
    Trouble {
        system: usize,
        ty: TypeIx,
        trouble: Trouble,
    },
}

/// Takes what a system's thread sends; gives whether anybody listens.
type Tell<'a> = dyn FnMut(ReaderMessage) -> bool + 'a;

/// What is asked of the systems about each record type.
pub(crate) struct Lister {
    types: HashMap<TypeIx, Asked>,
    clock: Arc<dyn Clock>,
}

struct Asked {
    kind: String,
    watch: Vec<PropertyRef>,
    page_size: usize,
}

impl Lister {
    pub(crate) fn new(ledger: &Ledger, types: impl Iterator<Item = TypeIx>) -> Lister {
        let asked = |ty: TypeIx| Asked {
            kind: ledger.plan.ty(ty).name.kind.clone(),
            watch: ledger.plan.ty(ty).watch(),
            page_size: if ledger.status[ty.at()].complete { PAGE } else { BULK },
        };
        Lister { types: types.map(|ty| (ty, asked(ty))).collect(), clock: ledger.clock.clone() }
    }

    /// Lists these record types, one after the other.
    pub(crate) fn list(
        &self,
        system: usize,
        connector: &dyn Connector,
        jobs: Vec<(TypeIx, Option<Checkpoint>)>,
        tell: &mut Tell<'_>,
    ) {
        for (ty, checkpoint) in jobs {
            let asked = &self.types[&ty];
            let request = |checkpoint| ReadRequest {
                kind: &asked.kind,
                watch: &asked.watch,
                checkpoint,
                page_size: asked.page_size,
            };
            let clock = self.clock.as_ref();
            if let Err(trouble) = pages((connector, clock), ty, checkpoint, request, tell) {
                let stops =
                    !matches!(trouble, Trouble::Malformed(_)) && !connector.types_fail_alone();
                // Nobody listens any more only where the run itself has failed.
                if !tell(ReaderMessage::Trouble { system, ty, trouble }) || stops {
                    return;
                }
            }
        }
    }
}

/// All pages of a record type, to its present end.
fn pages<'a>(
    (connector, clock): (&dyn Connector, &dyn Clock),
    ty: TypeIx,
    mut checkpoint: Option<Checkpoint>,
    request: impl Fn(Option<&'a Checkpoint>) -> ReadRequest<'a>,
    tell: &mut Tell<'_>,
) -> std::result::Result<(), Trouble> {
    let began = checkpoint.clone();
    let (mut listed, mut asked_twice) = (0, false);
    for _ in 0..MOST_PAGES {
        let base = request(None);
        let asked = clock.now();
        let mut page = connector.read(ReadRequest { checkpoint: checkpoint.as_ref(), ..base })?;
        listed += page.records.len();
        // R3: that there is nothing at all is asked twice before it is believed: records that such
        // a list has missed would not be among the changes since, and would stay unseen until the
        // next full scan.
        if listed == 0 && page.everything && !page.more && !asked_twice {
            asked_twice = true;
            let base = request(None);
            page = connector.read(ReadRequest { checkpoint: began.as_ref(), ..base })?;
            listed += page.records.len();
        }
        checkpoint = Some(page.checkpoint.clone());
        let more = page.more;
        if !tell(ReaderMessage::Page { ty, page, asked }) || !more {
            return Ok(());
        }
    }
    Err(Trouble::Malformed(format!("{} gives pages without end", base_kind(&request))))
}

fn base_kind<'a>(request: &impl Fn(Option<&'a Checkpoint>) -> ReadRequest<'a>) -> String {
    request(None).kind.to_string()
}

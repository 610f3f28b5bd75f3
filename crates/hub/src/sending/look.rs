//! A look at one record of a system.

use lockstep_connector::{Connector, Trouble};
use lockstep_model::ReadRecord;
use lockstep_model::flow::PropertyRef;

/// A record as it is now; nothing where its system shows another one in its place.
pub(crate) fn look(
    connector: &dyn Connector,
    kind: &str,
    watch: &[PropertyRef],
    id: &str,
) -> Result<Option<ReadRecord>, Trouble> {
    Ok(connector.get(kind, watch, id)?.filter(|record| record.id == id))
}

//! What goes wrong with `--faults`: answers get lost, systems are down or busy, lists are empty or
//! stale. Values stay what they are: a trial expects what it sent.

use lockstep_sandbox::Setting;
use serde_json::json;

use crate::Error;

/// How often what goes wrong, of a thousand requests each.
pub fn menu() -> Result<Setting, Error> {
    let rates = json!({"seed": 11, "rates": [
        {"kind": "lost-answer", "per_mille": 40},
        {"kind": "down", "per_mille": 20},
        {"kind": "broken-json", "per_mille": 10},
        {"kind": "status", "status": 429, "retry_after": 0, "per_mille": 20},
        {"kind": "status", "status": 503, "per_mille": 20},
        {"kind": "unauthorized", "per_mille": 5},
        {"kind": "slow", "delay_ms": 20, "per_mille": 20},
        {"kind": "stale-read", "for_ms": 300, "per_mille": 20},
        {"kind": "empty-list", "per_mille": 10},
    ]});
    Setting::read(&rates).map_err(|error| Error::Stage(error.to_string()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_menu_can_be_set() {
        assert!(super::menu().is_ok());
    }
}

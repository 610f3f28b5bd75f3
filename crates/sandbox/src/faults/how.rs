//! What a system makes of a value.

use serde::{Deserialize, Serialize};

/// What a system makes of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Blanks at both ends are taken off, and several in a row become one.
    Trim,
    /// Only so many characters are kept.
    Cut,
    /// In capitals.
    Upper,
    /// Numbers, also those written as text with a decimal point, lose their fraction.
    Round,
    /// Telephone numbers in groups: `+47 12 34 56 78`.
    Reformat,
}

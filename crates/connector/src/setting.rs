//! What a connector can be given under `with:`.

/// A setting of a connector, as `with:` gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub name: String,
    pub secret: bool,
    pub default: Option<String>,
    pub description: String,
}

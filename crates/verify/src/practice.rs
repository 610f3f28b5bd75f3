//! What a tester knows of the six systems that no schema says: what they refuse to be without, what
//! they take only once, and who may be referred to.

use lockstep_model::PropertySchema;

/// What these systems refuse to be without, though no schema marks it: one of several would do.
pub fn required_in_practice(system: Option<&str>, kind: &str) -> &'static [&'static str] {
    match (system, kind) {
        (Some("crmoffice"), "Contacts") => &["givenName"],
        (Some("wix"), "Contacts") => &["info.name.first"],
        (Some("poweroffice-go"), "Customers") => &["FirstName", "LastName"],
        (Some("superoffice"), "Person") => &["Lastname"],
        (Some("youtrack"), "Users") => &["login"],
        (Some("zendesk"), "Users") => &["name"],
        (Some("zendesk"), "Tickets") => &["subject"],
        _ => &[],
    }
}

/// What a record must be for this property of such a system to refer to it: an assignee is an
/// agent.
pub fn referable(
    system: Option<&str>,
    kind: &str,
    path: &str,
) -> &'static [(&'static str, &'static str)] {
    match (system, kind, path) {
        (Some("zendesk"), "Tickets", "assignee_id") => &[("role", "agent")],
        _ => &[],
    }
}

/// Whether such a system takes no two records that agree in this property.
pub fn unique(system: Option<&str>, kind: &str, property: &PropertySchema) -> bool {
    let path = property.path.as_str();
    match (system, kind) {
        (Some("wix"), "Contacts") => path.contains("email"),
        (Some("wix"), "Members") => path == "loginEmail",
        (Some("youtrack"), "Users") => path.contains("email") || path == "login",
        (Some("zendesk"), "Users") => path == "email",
        (Some("zendesk"), "Organizations") => path == "name",
        _ => false,
    }
}

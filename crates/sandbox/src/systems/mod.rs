//! The emulated systems. Each file speaks one vendor's protocol over its own tables and knows
//! no other system.

pub mod business_central;
pub mod crmoffice;
pub mod described;
mod emulator;
pub mod exact_online;
pub mod fjordclub;
pub mod hubspot;
pub mod poweroffice_go;
pub mod salesforce;
pub mod shopify;
pub mod superoffice;
pub mod tripletex;
pub mod wix;
pub mod woocommerce;
pub mod youtrack;
pub mod zendesk;
pub mod zoho_crm;

pub(crate) use emulator::{Emulator, Limit, Settings};

/// The names of the systems, which are also the path prefixes.
pub const SYSTEMS: [&str; 6] =
    ["superoffice", "wix", "poweroffice-go", "crmoffice", "zendesk", "youtrack"];

/// Systems of no vendor, which run only where they are named.
pub const INVENTED: [&str; 1] = ["fjordclub"];

/// Systems of vendors that run only where they are named.
pub const FURTHER: [&str; 8] = [
    "business-central",
    "woocommerce",
    "tripletex",
    "zoho-crm",
    "exact-online",
    "salesforce",
    "hubspot",
    "shopify",
];

/// Every system that the sandbox has built in.
pub(crate) fn all() -> impl Iterator<Item = &'static str> {
    SYSTEMS.into_iter().chain(FURTHER).chain(INVENTED)
}

/// A fresh emulator without records.
pub(crate) fn build(system: &str, settings: Settings) -> Option<Box<dyn Emulator>> {
    Some(match system {
        "superoffice" => Box::new(superoffice::SuperOffice::new(settings)),
        "wix" => Box::new(wix::Wix::new(settings)),
        "poweroffice-go" => Box::new(poweroffice_go::PowerOffice::new(settings)),
        "crmoffice" => Box::new(crmoffice::CrmOffice::new(settings)),
        "business-central" => Box::new(business_central::BusinessCentral::new(settings)),
        "woocommerce" => Box::new(woocommerce::WooCommerce::new(settings)),
        "tripletex" => Box::new(tripletex::Tripletex::new(settings)),
        "zoho-crm" => Box::new(zoho_crm::ZohoCrm::new(settings)),
        "exact-online" => Box::new(exact_online::ExactOnline::new(settings)),
        "salesforce" => Box::new(salesforce::Salesforce::new(settings)),
        "hubspot" => Box::new(hubspot::HubSpot::new(settings)),
        "shopify" => Box::new(shopify::Shopify::new(settings)),
        "fjordclub" => Box::new(fjordclub::Fjordclub::new(settings)),
        "zendesk" => Box::new(zendesk::Zendesk::new(settings)),
        "youtrack" => Box::new(youtrack::YouTrack::new(settings)),
        _ => return None,
    })
}

/// The demo credentials of a system, as names for environment variables and values.
pub(crate) fn credentials(system: &str) -> &'static [(&'static str, &'static str)] {
    match system {
        "superoffice" => superoffice::CREDENTIALS,
        "wix" => wix::CREDENTIALS,
        "poweroffice-go" => poweroffice_go::CREDENTIALS,
        "crmoffice" => crmoffice::CREDENTIALS,
        "business-central" => business_central::CREDENTIALS,
        "woocommerce" => woocommerce::CREDENTIALS,
        "tripletex" => tripletex::CREDENTIALS,
        "zoho-crm" => zoho_crm::CREDENTIALS,
        "exact-online" => exact_online::CREDENTIALS,
        "salesforce" => salesforce::CREDENTIALS,
        "hubspot" => hubspot::CREDENTIALS,
        "shopify" => shopify::CREDENTIALS,
        "fjordclub" => fjordclub::CREDENTIALS,
        "zendesk" => zendesk::CREDENTIALS,
        "youtrack" => youtrack::CREDENTIALS,
        _ => &[],
    }
}

/// The value of one demo credential.
pub(crate) fn credential(system: &str, name: &str) -> &'static str {
    emulator::credential(credentials(system), name)
}

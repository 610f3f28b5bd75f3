//! All tests of this crate in one program: linking a program for each file takes longer than
//! running it.

mod business_central;
mod crmoffice;
mod exact_online;
mod faults;
mod hubspot;
mod poweroffice_go;
mod salesforce;
mod sandbox;
mod shopify;
mod superoffice;
mod support;
mod tripletex;
mod wix;
mod woocommerce;
mod youtrack;
mod zendesk;
mod zoho_crm;

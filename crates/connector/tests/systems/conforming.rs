//! `connector test` on each of the six: what a conformance run finds is what the manifests say,
//! errors included.

use lockstep_connector::catalogue;
use lockstep_connector::conformance::{Verdict, settle_questions, try_type};
use lockstep_sandbox::{FURTHER, SYSTEMS};

use super::{open, sandbox};

/// What does not hold, and why that is so.
const KNOWN: &[(&str, &str)] = &[
    // Its own interface has no look-up that the vendor documents.
    (
        "youtrack YouTrackUsers",
        "duplicates are told: the record that is there is neither named nor found",
    ),
    ("youtrack Groups", "duplicates are told: the record that is there is neither named nor found"),
    (
        "youtrack Organizations",
        "duplicates are told: the record that is there is neither named nor found",
    ),
    // Its lists can't be asked for a reference.
    (
        "poweroffice-go Salesorders",
        "duplicates are told: the record that is there is neither named nor found",
    ),
    (
        "poweroffice-go Salesorderlines",
        "duplicates are told: the record that is there is neither named nor found",
    ),
    // It makes a person's name of the first and the last one, whatever is sent.
    ("poweroffice-go Customers", "create: Name was written and is not shown"),
    ("poweroffice-go Suppliers", "create: Name was written and is not shown"),
    // It puts in its own where nothing is said.
    ("superoffice Sale", "what is emptied is empty: `Status`"),
    ("poweroffice-go Products", "what is emptied is empty: `ProductType`"),
    ("poweroffice-go Products", "what is emptied is empty: `UnitOfMeasureCode`"),
    ("poweroffice-go Projects", "what is emptied is empty: `ProjectStatus`"),
    ("poweroffice-go Salesorders", "what is emptied is empty: `SalesOrderStatus`"),
    ("poweroffice-go Salesorderlines", "what is emptied is empty: `LineType`"),
    // The code of a subproject begins with that of its project.
    ("poweroffice-go Projects", "create: Code was written and is not shown"),
    // What has a stock remains a stock item.
    ("poweroffice-go Products", "every property is kept: false is refused for `IsStockItem`"),
    // Only tasks have one.
    ("zendesk Tickets", "create: due_at was written and is not shown"),
    // A ticket with an assignee is open.
    ("zendesk Tickets", "every property is kept: status was written and is not shown"),
    // Nobody is without a price or a name, and that is not said.
    ("wix Products", "what is emptied is empty: `priceData.price`"),
    ("youtrack Users", "what is emptied is empty: `name`"),
    ("youtrack YouTrackUsers", "what is emptied is empty: `fullName`"),
    // Nobody is without these, and it puts in its own.
    ("exact-online Accounts", "what is emptied is empty: `Code`"),
    ("exact-online Accounts", "what is emptied is empty: `Status`"),
    ("exact-online Items", "what is emptied is empty: `Unit`"),
    // Everything has an owner.
    ("salesforce Account", "what is emptied is empty: `OwnerId`"),
    ("salesforce Contact", "what is emptied is empty: `OwnerId`"),
    ("salesforce Lead", "what is emptied is empty: `OwnerId`"),
    ("salesforce Opportunity", "what is emptied is empty: `OwnerId`"),
    ("salesforce Order", "what is emptied is empty: `OwnerId`"),
    ("zoho-crm Accounts", "what is emptied is empty: `Owner`"),
    ("zoho-crm Contacts", "what is emptied is empty: `Owner`"),
    ("zoho-crm Deals", "what is emptied is empty: `Owner`"),
    ("zoho-crm Leads", "what is emptied is empty: `Owner`"),
    ("zoho-crm Products", "what is emptied is empty: `Owner`"),
    // Nobody is without these, and it puts in its own.
    ("tripletex Customer", "what is emptied is empty: `customerNumber`"),
    ("tripletex Customer", "what is emptied is empty: `invoiceSendMethod`"),
    ("tripletex Customer", "what is emptied is empty: `invoicesDueInType`"),
    ("tripletex Customer", "what is emptied is empty: `language`"),
    ("tripletex Order", "what is emptied is empty: `status`"),
    ("tripletex Product", "what is emptied is empty: `weightUnit`"),
    ("tripletex Supplier", "what is emptied is empty: `language`"),
    ("tripletex Supplier", "what is emptied is empty: `supplierNumber`"),
    // It follows from the price without VAT.
    ("tripletex Product", "create: priceIncludingVatCurrency"),
    // None is without one, and the shop puts in its own.
    ("woocommerce Orders", "what is emptied is empty: `currency`"),
    ("woocommerce Orders", "what is emptied is empty: `status`"),
    ("woocommerce ProductCategories", "what is emptied is empty: `slug`"),
    ("woocommerce Products", "what is emptied is empty: `categories`"),
    ("woocommerce Products", "what is emptied is empty: `slug`"),
    ("woocommerce Products", "what is emptied is empty: `status`"),
    ("woocommerce Products", "what is emptied is empty: `tax_status`"),
    // It is kept only where the stock is managed, and follows from the quantity then.
    ("woocommerce Products", "every property is kept: stock_quantity"),
    ("woocommerce Products", "what is emptied is empty: `stock_status`"),
    // Nobody is without a number, and a kind.
    ("business-central Contacts", "what is emptied is empty: `number`"),
    ("business-central Contacts", "what is emptied is empty: `type`"),
    // A company's company is itself; its search name is made of the name.
    ("business-central Contacts", "every property is kept: companyNumber"),
    ("business-central Contacts", "what is emptied is empty: `companyNumber`"),
    ("business-central Contacts", "what is emptied is empty: `searchName`"),
    ("business-central Customers", "what is emptied is empty: `number`"),
    ("business-central Customers", "what is emptied is empty: `type`"),
    ("business-central Vendors", "what is emptied is empty: `number`"),
    ("business-central Employees", "what is emptied is empty: `number`"),
    ("business-central Employees", "what is emptied is empty: `status`"),
    ("business-central Items", "what is emptied is empty: `number`"),
    ("business-central Items", "what is emptied is empty: `type`"),
    // The number that is tried is another customer's, or supplier's.
    ("tripletex Customer", "every property is kept: 10001"),
    ("tripletex Supplier", "every property is kept: 20001"),
    // The schema has none without one, and the shop puts in its own.
    ("shopify Companies", "what is emptied is empty: `customerSince`"),
    ("shopify Customers", "what is emptied is empty: `locale`"),
    ("shopify Products", "what is emptied is empty: `handle`"),
    // A deal without a pipeline is in the first.
    ("hubspot Deals", "what is emptied is empty: `pipeline`"),
    // Yes or no, and no where nothing is said.
    ("exact-online Items", "what is emptied is empty: `IsSalesItem`"),
];

/// The systems that are emulated and that there is a connector to.
fn systems() -> Vec<&'static str> {
    let names = catalogue::names();
    let known = |system: &&str| names.iter().any(|name| name == system);
    SYSTEMS.into_iter().chain(FURTHER).filter(known).collect()
}

/// Record types that the sandbox does not have.
const NOT_EMULATED: [(&str, &str); 3] =
    [("tripletex", "Project"), ("zoho-crm", "Sales_Orders"), ("exact-online", "Opportunities")];

/// What does not hold of one system, as `connector test` tells it.
fn failures(system: &str) -> Vec<String> {
    let sandbox = sandbox(system);
    let connector = open(system, &sandbox);
    let (mut failed, mut told) = (Vec::new(), String::new());
    for ty in connector.types() {
        if NOT_EMULATED.contains(&(system, ty.kind.as_str())) {
            continue;
        }
        let connector = match (system, ty.kind.as_str()) {
            ("wix", "ProductsV3") => &super::wix::newer_site(&sandbox),
            _ => &connector,
        };
        let sheet = try_type(&**connector, ty, true);
        told += &format!("{system} {}\n", sheet.record_type);
        for trial in &sheet.trials {
            told += &format!("  {}: {:?}\n", trial.what, trial.verdict);
            if let Verdict::Fails(why) = &trial.verdict {
                failed.push(format!("{system} {}: {}: {why}", sheet.record_type, trial.what));
            }
        }
    }
    println!("{told}");
    failed
}

#[test]
fn every_error_that_can_be_provoked_is_told_as_what_it_is() {
    // Most of the time is waiting: the systems are tried side by side, each in its own sandbox.
    let mut failed: Vec<String> = std::thread::scope(|scope| {
        let tried: Vec<_> =
            systems().into_iter().map(|system| scope.spawn(move || failures(system))).collect();
        tried.into_iter().flat_map(|tried| tried.join().expect("tried to its end")).collect()
    });
    // Neither is it without a login.
    failed.retain(|failed| {
        !failed.starts_with("youtrack YouTrackUsers: what is emptied is empty: `login`")
    });
    // An account with contacts has a main one, and not every account has contacts.
    failed.retain(|failed| {
        !failed.starts_with("exact-online Accounts: what is emptied is empty: `MainContact`")
    });
    for (ty, what) in KNOWN {
        let known = failed.iter().position(|failed| failed.starts_with(&format!("{ty}: {what}")));
        failed.remove(
            known.unwrap_or_else(|| panic!("{ty}: {what} is not so any more: {failed:#?}")),
        );
    }
    assert_eq!(failed, Vec::<String>::new());
}

/// What the manifests want to have settled by a real account: the emulators answer as the evidence
/// so far says that the vendors do.
#[test]
fn every_question_to_a_real_account_is_one_that_is_answered() {
    for system in systems() {
        let sandbox = sandbox(system);
        // R9: whose account it is, where the manifest asks for it.
        let asks = lockstep_connector::Connector::account(&*open(system, &sandbox));
        assert!(asks.is_ok(), "{system}: {asks:?}");
        let Some(sheet) = settle_questions(&*open(system, &sandbox)) else { continue };
        println!("{system}");
        for trial in &sheet.trials {
            println!("  {}: {:?}", trial.what, trial.verdict);
            assert_eq!(trial.verdict, Verdict::Holds, "{system}: {}", trial.what);
        }
        let writes = sandbox.total_writes();
        assert_eq!(writes, 0, "{system}: nothing is changed by asking");
    }
}

//! Sample data of the shops: customers, what they bought.

use super::World;
use super::cast::{ARTICLES, Person, written};
use serde_json::json;

impl World<'_> {
    pub(super) fn woocommerce(&mut self) {
        let mut customers = Vec::new();
        for n in (30..60).chain(90..100) {
            let Person { first, last, email, mobile, company, .. } = &self.cast.people[n];
            let Some(email) = email.clone() else { continue };
            let company = company.map(|index| &self.cast.companies[index]);
            let address = json!({"first_name":first,"last_name":last,"company":company.map_or("", |company| company.name),
                "address_1":"Storgata 1","city":company.map_or("Oslo", |company| company.city),"postcode":"0150","country":"NO"});
            let mut billing = address.clone();
            billing["email"] = json!(email);
            billing["phone"] = json!(written(mobile, n as u64));
            let (first, last) = (*first, *last);
            let typed = self.typed(&email);
            let body = json!({"email":typed,"first_name":first,"last_name":last,"billing":billing,"shipping":address});
            customers.push(self.add("customers", body)["id"].clone());
        }
        let category = self.add("categories", json!({"name":"Husflid"}));
        let mut products = Vec::new();
        for (n, (name, price)) in ARTICLES.iter().enumerate() {
            let body = json!({"name":name,"sku":format!("NO-{:04}", 100 + n),"regular_price":format!("{price}.00"),
                "description":format!("{name}, håndlaget."),"categories":[{"id":category["id"]}]});
            products.push(self.add("products", body)["id"].clone());
        }
        for n in 0..12 {
            let lines = json!([{"product_id":products[n % products.len()],"quantity":1 + n % 3}]);
            let status = ["processing", "completed", "on-hold"][n % 3];
            self.add(
                "orders",
                json!({"customer_id":customers[n * 2],"status":status,"line_items":lines}),
            );
        }
    }

    pub(super) fn shopify(&mut self) {
        let mut customers = Vec::new();
        for n in (30..60).chain(90..100) {
            let Person { first, last, email, mobile, company, .. } = &self.cast.people[n];
            let company = company.map(|index| &self.cast.companies[index]);
            let address = json!({"firstName":first,"lastName":last,"company":company.map(|company| company.name),
                "address1":"Storgata 1","city":company.map_or("Oslo", |company| company.city),"zip":"0150","countryCode":"NO"});
            let body = json!({"firstName":first,"lastName":last,"email":email,"phone":written(mobile, n as u64),"addresses":[address]});
            customers.push(self.add("customers", body)["id"].clone());
        }
        for (n, (name, price)) in ARTICLES.iter().enumerate() {
            let variant =
                json!({"price":price,"inventoryItem":{"sku":format!("NO-{:04}", 100 + n)}});
            let body = json!({"title":name,"descriptionHtml":format!("<p>{name}, håndlaget.</p>"),"productType":"Husflid","variants":[variant]});
            self.add("products", body);
        }
        let variants = self.emulator.records("productVariants");
        for n in 0..12 {
            let line = json!({"variantId":variants[n % variants.len()]["id"],"quantity":1 + n % 3});
            let body = json!({"customerId":customers[n * 2],"lineItems":[line]});
            let collection = if n % 3 == 2 { "draftOrders" } else { "orders" };
            self.add(collection, body);
        }
    }
}

//! Sample data of the systems that sales people work in: people, companies, deals.

use super::World;
use super::cast::{ARTICLES, Person, STAFF, written};
use serde_json::{Value, json};

impl World<'_> {
    pub(super) fn zoho_crm(&mut self) {
        let mut users = Vec::new();
        for n in 0..STAFF {
            let Person { first, last, email, .. } = &self.cast.people[n];
            let body = json!({"first_name":first,"last_name":last,"email":email});
            users.push(self.add("users", body)["id"].clone());
        }
        let mut accounts = Vec::new();
        for index in 1..13 {
            let company = &self.cast.companies[index];
            let body = json!({"Account_Name":company.name,"Website":format!("https://www.{}", company.domain),"Billing_City":company.city,
                "Phone":written(&format!("2{:07}", index * 31_337), index as u64),"Owner":{"id":users[index % users.len()]}});
            accounts.push(self.add("Accounts", body)["id"].clone());
        }
        let mut contacts: Vec<Value> = Vec::new();
        for n in (8..40).chain(90..100) {
            let Person { first, last, email, mobile, company, .. } = &self.cast.people[n];
            let account = company
                .filter(|index| (1..13).contains(index))
                .map(|index| json!({"id": accounts[index - 1]}));
            let body = json!({"First_Name":first,"Last_Name":last,"Email":email,"Mobile":written(mobile, n as u64),"Account_Name":account});
            contacts.push(self.add("Contacts", body)["id"].clone());
        }
        let mut products = Vec::new();
        for (n, (name, price)) in ARTICLES.iter().enumerate() {
            let body = json!({"Product_Name":name,"Product_Code":format!("NO-{:04}", 100 + n),"Unit_Price":price});
            products.push(self.add("Products", body)["id"].clone());
        }
        for n in 0..8 {
            let stage = ["Qualification", "Negotiation/Review", "Closed Won"][n % 3];
            let body = json!({"Deal_Name":format!("Vårleveranse {}", n + 1),"Stage":stage,"Amount":10_000 + 2_500 * n,"Closing_Date":"2026-06-30",
                "Account_Name":{"id":accounts[n]},"Contact_Name":{"id":contacts[n]}});
            self.add("Deals", body);
        }
        for n in 0..3 {
            let items = json!([{"Product_Name":{"id":products[n]},"Quantity":n + 1}]);
            let body = json!({"Subject":format!("Faktura {}", n + 1),"Account_Name":{"id":accounts[n]},"Invoice_Date":"2026-02-01","Invoiced_Items":items});
            self.add("Invoices", body);
        }
    }

    pub(super) fn salesforce(&mut self) {
        let mut users = Vec::new();
        for n in 0..STAFF {
            let Person { first, last, email, .. } = &self.cast.people[n];
            let alias: String =
                last.to_lowercase().chars().filter(char::is_ascii).take(8).collect();
            let body = json!({"FirstName":first,"LastName":last,"Email":email,"Username":email,"Alias":alias});
            users.push(self.add("User", body)["Id"].clone());
        }
        let mut accounts = Vec::new();
        for index in 1..13 {
            let company = &self.cast.companies[index];
            let body = json!({"Name":company.name,"Website":format!("https://www.{}", company.domain),"BillingCity":company.city,
                "Phone":written(&format!("2{:07}", index * 31_337), index as u64),"OwnerId":users[index % users.len()]});
            accounts.push(self.add("Account", body)["Id"].clone());
        }
        for n in (8..40).chain(90..100) {
            let Person { first, last, email, mobile, company, .. } = &self.cast.people[n];
            let account =
                company.filter(|index| (1..13).contains(index)).map(|index| &accounts[index - 1]);
            let body = json!({"FirstName":first,"LastName":last,"Email":email,"MobilePhone":written(mobile, n as u64),"AccountId":account});
            self.add("Contact", body);
        }
        for (n, (name, _)) in ARTICLES.iter().enumerate() {
            let body =
                json!({"Name":name,"ProductCode":format!("NO-{:04}", 100 + n),"IsActive":true});
            self.add("Product2", body);
        }
        for n in 0..8 {
            let stage = ["Prospecting", "Negotiation/Review", "Closed Won"][n % 3];
            let body = json!({"Name":format!("Vårleveranse {}", n + 1),"StageName":stage,"Amount":10_000 + 2_500 * n,"CloseDate":"2026-06-30","AccountId":accounts[n]});
            self.add("Opportunity", body);
        }
        for account in accounts.iter().take(3) {
            self.add(
                "Order",
                json!({"AccountId":account,"EffectiveDate":"2026-02-01","Status":"Draft"}),
            );
        }
    }

    pub(super) fn hubspot(&mut self) {
        let mut owners = Vec::new();
        for n in 0..STAFF {
            let Person { first, last, email, .. } = &self.cast.people[n];
            let body = json!({"firstName":first,"lastName":last,"email":email});
            owners.push(self.add("owners", body)["id"].clone());
        }
        let tied = |id: &Value, number: u64| json!({"to":{"id":id},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":number}]});
        let mut companies = Vec::new();
        for index in 1..13 {
            let company = &self.cast.companies[index];
            let body = json!({"name":company.name,"domain":company.domain,"city":company.city,
                "phone":written(&format!("2{:07}", index * 31_337), index as u64),"hubspot_owner_id":owners[index % owners.len()]});
            companies.push(self.add("companies", json!({"properties":body}))["id"].clone());
        }
        for n in (8..40).chain(90..100) {
            let Person { first, last, email, mobile, company, .. } = &self.cast.people[n];
            let company = company.filter(|index| (1..13).contains(index));
            let body = json!({"firstname":first,"lastname":last,"email":email,"mobilephone":written(mobile, n as u64)});
            let ties: Vec<Value> =
                company.iter().map(|index| tied(&companies[index - 1], 279)).collect();
            self.add("contacts", json!({"properties":body,"associations":ties}));
        }
        let mut products = Vec::new();
        for (n, (name, price)) in ARTICLES.iter().enumerate() {
            let body = json!({"name":name,"hs_sku":format!("NO-{:04}", 100 + n),"price":price});
            products.push(self.add("products", json!({"properties":body}))["id"].clone());
        }
        for n in 0..8 {
            let stage = ["appointmentscheduled", "contractsent", "closedwon"][n % 3];
            let body = json!({"dealname":format!("Vårleveranse {}", n + 1),"dealstage":stage,"amount":10_000 + 2_500 * n,"closedate":"2026-06-30T00:00:00Z"});
            let deal = self
                .add("deals", json!({"properties":body,"associations":[tied(&companies[n], 341)]}));
            let body = json!({"hs_product_id":products[n % products.len()],"quantity":n + 1});
            self.add(
                "line_items",
                json!({"properties":body,"associations":[tied(&deal["id"], 20)]}),
            );
        }
    }
}

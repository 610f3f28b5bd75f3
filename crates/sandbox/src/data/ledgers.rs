//! Sample data of the systems that keep accounts: business partners, articles, orders, invoices.

use super::World;
use super::cast::{ARTICLES, Person, STAFF, written};
use serde_json::{Value, json};

impl World<'_> {
    pub(super) fn poweroffice(&mut self) {
        let mut companies = Vec::new();
        for index in 1..16 {
            let company = &self.cast.companies[index];
            let body = json!({"IsPerson":false,"Name":company.name,"LegalName":company.name,"OrganizationNumber":company.org_number,
                "EmailAddress":format!("post@{}", company.domain),"PhoneNumber":written(&format!("2{:07}", index * 31_337), index as u64 + 2),
                "MailAddress":{"AddressLine1":"Postboks 1","ZipCode":"0150","City":company.city,"CountryCode":"NO"},
                "_hasTransactions":index % 2 == 0});
            let customer = self.add("Customers", body);
            companies.push(customer["Id"].clone());
        }
        for n in 110..125 {
            let Person { first, last, email, phone, .. } = &self.cast.people[n];
            let (first, last, email, phone) = (*first, *last, email.clone(), phone.clone());
            let email = email.map(|email| self.typed(&email));
            self.add(
                "Customers",
                json!({"IsPerson":true,"FirstName":first,"LastName":last,"EmailAddress":email,"PhoneNumber":written(&phone, n as u64)}),
            );
        }
        for n in (0..STAFF).chain(125..130) {
            let Person { first, last, email, mobile, .. } = &self.cast.people[n];
            let (first, last, email, mobile) = (*first, *last, email.clone(), mobile.clone());
            let title = ["Konsulent", "Regnskapsfører", "Lagermedarbeider"][n % 3];
            self.add(
                "Employees",
                json!({"FirstName":first,"LastName":last,"EmailAddress":email,"PhoneNumber":written(&mobile, n as u64),
                    "JobTitle":title,"HiredDate":"2019-08-01"}),
            );
        }
        for n in 8..28 {
            let Person { first, last, email, mobile, .. } = &self.cast.people[n];
            let (first, last, mobile) = (*first, *last, mobile.clone());
            let email = email.clone().map(|email| self.typed(&email));
            let parent = companies[n % companies.len()].clone();
            self.add(
                "ContactPersons",
                json!({"ContactId":parent,"FirstName":first,"LastName":last,"EmailAddress":email,"PhoneNumber":written(&mobile, n as u64 + 1),
                    "Title":"Kontakt"}),
            );
        }
        self.poweroffice_orders(&companies);
    }

    /// What its customers ordered, of whom the company buys, and how it is organized.
    fn poweroffice_orders(&mut self, customers: &[Value]) {
        let mut departments = Vec::new();
        for name in ["Salg", "Lager", "Verksted"] {
            let body = json!({"Name":name,"IsActive":true});
            departments.push(self.add("Departments", body)["Id"].clone());
        }
        for index in 16..22 {
            let company = &self.cast.companies[index];
            let body = json!({"IsPerson":false,"Name":company.name,"OrganizationNumber":company.org_number,
                "EmailAddress":format!("faktura@{}", company.domain),"PhoneNumber":written(&format!("3{:07}", index * 24_691), index as u64),
                "MailAddress":{"AddressLine1":"Postboks 7","ZipCode":"7010","City":company.city,"CountryCode":"NO"}});
            self.add("Suppliers", body);
        }
        let mut products = Vec::new();
        for (n, (name, price)) in ARTICLES.iter().enumerate() {
            let body = json!({"Code":format!("NO-{:04}", 100 + n),"Name":name,"Description":format!("{name}, håndlaget."),"UnitPrice":price,
                "UnitCost":price / 2,"IsStockItem":true,"StockOnHand":10 + 3 * n});
            products.push(self.add("Products", body)["Id"].clone());
        }
        let mut projects = Vec::new();
        for n in 0..4 {
            let name = ["Nytt lager", "Messe i Bodø", "Vinterkolleksjon", "Nettbutikk"][n];
            let status = ["Active", "Active", "NotStarted", "Complete"][n];
            let body = json!({"Name":name,"ProjectStatus":status,"CustomerId":customers[n],"DepartmentId":departments[n % 3],
                "StartDate":"2026-01-05","EndDate":"2026-11-30","Progress":25 * n});
            projects.push(self.add("Projects", body)["Id"].clone());
        }
        for n in 0..6 {
            let body = json!({"CustomerId":customers[n],"CustomerReference":format!("Bestilling {}", 501 + n),"ProjectId":projects[n % 4],
                "DepartmentId":departments[n % 3],"SalesOrderDate":"2026-02-01","CurrencyCode":"NOK"});
            let order = self.add("SalesOrders", body)["Id"].clone();
            for line in 0..=n % 3 {
                let product = &products[(n + line) % products.len()];
                self.add(
                    "SalesOrderLines",
                    json!({"SalesOrderId":order,"ProductId":product,"Quantity":1 + line}),
                );
            }
        }
    }

    pub(super) fn business_central(&mut self) {
        let mut customers = Vec::new();
        for index in 1..13 {
            let company = &self.cast.companies[index];
            let body = json!({"displayName":company.name,"type":"Company","email":format!("post@{}", company.domain),
                "addressLine1":"Postboks 1","city":company.city,"country":country(company.domain),"website":format!("https://www.{}", company.domain),
                "phoneNumber":written(&format!("2{:07}", index * 31_337), index as u64),"taxRegistrationNumber":company.org_number});
            customers.push(self.add("customers", body)["id"].clone());
        }
        let mut companies = Vec::new();
        for index in 1..13 {
            let company = &self.cast.companies[index];
            let body = json!({"displayName":company.name,"type":"Company","city":company.city,"email":format!("post@{}", company.domain)});
            companies.push(self.add("contacts", body)["number"].clone());
        }
        for n in 8..28 {
            let Person { first, last, email, mobile, .. } = &self.cast.people[n];
            let body = json!({"displayName":format!("{first} {last}"),"type":"Person","companyNumber":companies[n % companies.len()],
                "email":email.clone().unwrap_or_default(),"mobilePhoneNumber":written(mobile, n as u64),"jobTitle":"Innkjøper"});
            self.add("contacts", body);
        }
        for index in 13..18 {
            let company = &self.cast.companies[index];
            let body = json!({"displayName":company.name,"email":format!("post@{}", company.domain),"city":company.city});
            self.add("vendors", body);
        }
        for n in 0..STAFF {
            let Person { first, last, email, mobile, .. } = &self.cast.people[n];
            let body = json!({"givenName":first,"surname":last,"email":email.clone().unwrap_or_default(),"mobilePhone":written(mobile, n as u64),
                "jobTitle":"Konsulent","employmentDate":"2019-08-01"});
            self.add("employees", body);
        }
        let mut items = Vec::new();
        for (name, price) in ARTICLES {
            items.push(
                self.add(
                    "items",
                    json!({"displayName":name,"unitPrice":price,"itemCategoryCode":"DIV"}),
                )["id"]
                    .clone(),
            );
        }
        for n in 0..6 {
            let (document, line) = match n % 2 {
                0 => ("salesOrders", "salesOrderLines"),
                _ => ("salesInvoices", "salesInvoiceLines"),
            };
            let order = self.add(document, json!({"customerId":customers[n * 2],"externalDocumentNumber":format!("NET-{}", 100 + n)}));
            for k in 0..=n % 3 {
                self.add(line, json!({"documentId":order["id"],"itemId":items[(n + k) % items.len()],"quantity":k + 1}));
            }
        }
    }

    pub(super) fn tripletex(&mut self) {
        let department = self.add("department", json!({"name":"Salg","departmentNumber":"10"}));
        for n in 0..STAFF {
            let Person { first, last, email, mobile, .. } = &self.cast.people[n];
            let body = json!({"firstName":first,"lastName":last,"email":email,"phoneNumberMobile":written(mobile, n as u64),"userType":"STANDARD",
                "department":{"id":department["id"]},"employeeNumber":(n + 1).to_string()});
            self.add("employee", body);
        }
        let mut customers = Vec::new();
        for index in 1..13 {
            let company = &self.cast.companies[index];
            let body = json!({"name":company.name,"organizationNumber":company.org_number,"email":format!("post@{}", company.domain),
                "phoneNumber":written(&format!("2{:07}", index * 31_337), index as u64),"website":format!("https://www.{}", company.domain),
                "postalAddress":{"addressLine1":"Postboks 1","postalCode":"0150","city":company.city},"isInactive":index == 12});
            customers.push(self.add("customer", body)["id"].clone());
        }
        for n in 8..28 {
            let Person { first, last, email, mobile, .. } = &self.cast.people[n];
            let body = json!({"firstName":first,"lastName":last,"email":email,"phoneNumberMobile":written(mobile, n as u64 + 1),
                "customer":{"id":customers[n % customers.len()]}});
            self.add("contact", body);
        }
        for index in 13..17 {
            let company = &self.cast.companies[index];
            let body = json!({"name":company.name,"organizationNumber":company.org_number,"email":format!("post@{}", company.domain)});
            self.add("supplier", body);
        }
        let mut products = Vec::new();
        for (n, (name, price)) in ARTICLES.iter().enumerate() {
            let body = json!({"name":name,"number":format!("NO-{:04}", 100 + n),"priceExcludingVatCurrency":price});
            products.push(self.add("product", body)["id"].clone());
        }
        for n in 0..6 {
            let lines = json!([{"product":{"id":products[n % products.len()]},"count":1 + n % 3}]);
            let body = json!({"customer":{"id":customers[n]},"orderDate":"2026-01-15","deliveryDate":"2026-01-31","orderLines":lines});
            match n % 3 {
                0 => self.add("invoice", json!({"invoiceDate":"2026-02-01","invoiceDueDate":"2026-02-15","orders":[body]})),
                _ => self.add("order", body),
            };
        }
    }

    pub(super) fn exact_online(&mut self) {
        for n in 0..STAFF {
            let Person { first, last, email, .. } = &self.cast.people[n];
            let body = json!({"FullName":format!("{first} {last}"),"FirstName":first,"LastName":last,"Email":email});
            self.add("Users", body);
        }
        let mut accounts = Vec::new();
        for index in 1..18 {
            let company = &self.cast.companies[index];
            let body = json!({"Name":company.name,"Email":format!("post@{}", company.domain),"City":company.city,"Country":country(company.domain),
                "ChamberOfCommerce":company.org_number,"Status":if index < 13 { "C" } else { "A" },"IsSupplier":index >= 13});
            accounts.push(self.add("Accounts", body)["ID"].clone());
        }
        for n in (8..60).chain(90..110) {
            let Person { first, last, email, mobile, .. } = &self.cast.people[n];
            let body = json!({"FirstName":first,"LastName":last,"Email":email,"Mobile":written(mobile, n as u64),"Account":accounts[n % accounts.len()]});
            self.add("Contacts", body);
        }
        let mut items = Vec::new();
        for (n, (name, _)) in ARTICLES.iter().enumerate() {
            let body = json!({"Code":format!("NO-{:04}", 100 + n),"Description":name});
            items.push(self.add("Items", body)["ID"].clone());
        }
        for n in 0..6 {
            let line = json!([{"Item":items[n],"Quantity":n + 1,"UnitPrice":ARTICLES[n].1}]);
            match n % 2 {
                0 => {
                    self.add("SalesOrders", json!({"OrderedBy":accounts[n],"SalesOrderLines":line}))
                }
                _ => self.add(
                    "SalesInvoices",
                    json!({"OrderedBy":accounts[n],"Journal":"70","SalesInvoiceLines":line}),
                ),
            };
        }
    }
}

/// The country that a domain of the cast stands for.
pub(super) fn country(domain: &str) -> Value {
    json!(if domain.ends_with(".no") { "NO" } else { "SE" })
}

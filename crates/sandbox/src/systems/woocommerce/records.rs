//! What the shop checks and works out when a customer, product or category is written.

use super::base::{CATEGORIES, CUSTOMERS, ORDERS, PRODUCTS, Refusal, WooCommerce, refusal, stamp};
use super::types::{self, KINDS};
use crate::util::json as tree;
use crate::util::text::{email_key, looks_like_email};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

impl WooCommerce {
    /// Creates or changes a record; says which it was and whether that changed anything.
    pub(super) fn save(
        &mut self,
        at: usize,
        id: Option<&str>,
        sent: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<(String, bool), Refusal> {
        let before = id.and_then(|id| self.tables[at].get(id)).cloned();
        let own = id.unwrap_or_default();
        let mut record = before.clone().unwrap_or_else(|| fresh(at));
        let mut rest = sent.clone();
        if let Some(meta) = rest.remove("meta_data") {
            self.meta(&mut record, &meta);
        }
        match at {
            CUSTOMERS => self.customer(&mut record, before.as_ref(), &rest, own)?,
            PRODUCTS => self.product(&mut record, &rest, own)?,
            CATEGORIES => self.category(&mut record, &rest, own)?,
            _ => self.order(&mut record, before.as_ref(), &rest, now)?,
        }
        if before.as_ref() == Some(&record) {
            return Ok((own.to_owned(), false));
        }
        let id = match &before {
            Some(record) => record["id"].to_string(),
            None => {
                let number = self.count(if at == ORDERS { PRODUCTS } else { at });
                record["id"] = json!(number);
                stamp(&mut record, "date_created", Some(now));
                if at == ORDERS {
                    record["number"] = json!(number.to_string());
                    let key = self.ids.token("");
                    record["order_key"] = json!(format!("wc_order_{}", &key[..13]));
                }
                number.to_string()
            }
        };
        stamp(&mut record, "date_modified", Some(now));
        self.tables[at].put(&id, record, now);
        Ok((id, true))
    }

    /// Whether a new or changed customer would be one of its own.
    fn may_be_customer(
        &self,
        before: Option<&Value>,
        sent: &Map<String, Value>,
        own: &str,
    ) -> Result<(), Refusal> {
        let text = |name: &str| sent.get(name).and_then(Value::as_str).unwrap_or_default().trim();
        let taken = |key: String| self.tables[CUSTOMERS].other_with(&key, own).is_some();
        let email = text("email");
        match before {
            None => {
                if !looks_like_email(email) {
                    return Err(refusal(
                        400,
                        "registration-error-invalid-email",
                        "Please provide a valid email address.",
                    ));
                }
                if taken(format!("email:{}", email_key(email))) {
                    return Err(refusal(
                        400,
                        "registration-error-email-exists",
                        "An account is already registered with your email address. Please log in.",
                    ));
                }
                if !text("username").is_empty()
                    && taken(format!("username:{}", text("username").to_lowercase()))
                {
                    return Err(refusal(
                        400,
                        "registration-error-username-exists",
                        "An account is already registered with that username. Please choose another.",
                    ));
                }
            }
            Some(before) => {
                if !email.is_empty()
                    && before["email"] != email
                    && taken(format!("email:{}", email_key(email)))
                {
                    return Err(refusal(
                        400,
                        "woocommerce_rest_customer_invalid_email",
                        "Email address is invalid.",
                    ));
                }
                if !text("username").is_empty() && before["username"] != text("username") {
                    return Err(refusal(
                        400,
                        "woocommerce_rest_customer_invalid_argument",
                        "Username isn't editable.",
                    ));
                }
                let protected = before["role"] != "customer" && before["role"] != "subscriber";
                if protected && sent.get("email").is_some_and(|email| *email != before["email"]) {
                    return Err(refusal(
                        403,
                        "woocommerce_rest_cannot_edit",
                        format!(
                            "Sorry, email cannot be updated via this endpoint for a user with role {}.",
                            before["role"].as_str().unwrap_or_default()
                        ),
                    ));
                }
            }
        }
        Ok(())
    }

    /// A name to sign in with, from what is known of the customer.
    fn username(&self, record: &Value) -> String {
        let parts: Vec<String> = ["first_name", "last_name"]
            .iter()
            .filter_map(|name| tree::filled(record, name))
            .map(|part| part.to_lowercase().replace(' ', ""))
            .collect();
        let base = match parts.is_empty() {
            true => record["email"]
                .as_str()
                .unwrap_or_default()
                .split('@')
                .next()
                .unwrap_or_default()
                .to_lowercase(),
            false => parts.join("."),
        };
        let free =
            |name: &str| self.tables[CUSTOMERS].find(&format!("username:{name}")).next().is_none();
        (0..)
            .map(|n| if n == 0 { base.clone() } else { format!("{base}-{n}") })
            .find(|name| free(name))
            .unwrap_or_default()
    }

    fn customer(
        &mut self,
        record: &mut Value,
        before: Option<&Value>,
        sent: &Map<String, Value>,
        own: &str,
    ) -> Result<(), Refusal> {
        self.may_be_customer(before, sent, own)?;
        for (name, value) in sent {
            match name.as_str() {
                "password" => {}
                // Single values of an address are set, the others stay.
                "billing" | "shipping" => tree::merge(&mut record[name.as_str()], value, false),
                _ => record[name.as_str()] = trimmed(value),
            }
        }
        if before.is_none() && tree::filled(record, "username").is_none() {
            record["username"] = json!(self.username(record));
        }
        Ok(())
    }

    fn images(&mut self, sent: &Value) -> Value {
        let images = sent.as_array().cloned().unwrap_or_default();
        images
            .into_iter()
            .map(|mut image| {
                if image.get("id").is_none() {
                    image["id"] = json!(self.count(PRODUCTS));
                }
                for name in ["name", "alt", "src"] {
                    if image.get(name).is_none() {
                        image[name] = json!("");
                    }
                }
                image
            })
            .collect()
    }

    fn product(
        &mut self,
        record: &mut Value,
        sent: &Map<String, Value>,
        own: &str,
    ) -> Result<(), Refusal> {
        if let Some(sku) = sent.get("sku").and_then(Value::as_str).filter(|sku| !sku.is_empty())
            && let Some(other) =
                self.tables[PRODUCTS].other_with(&format!("sku:{}", sku.to_lowercase()), own)
        {
            return Err(Refusal {
                data: json!({"resource_id": other.parse::<i64>().unwrap_or(0), "unique_sku": format!("{sku}-1")}),
                ..refusal(400, "product_invalid_sku", "Invalid or duplicated SKU.")
            });
        }
        for (name, value) in sent {
            match name.as_str() {
                "dimensions" => tree::merge(&mut record["dimensions"], value, false),
                "categories" => {
                    let shown = value.as_array().into_iter().flatten().map(|term| {
                        let category = self.tables[CATEGORIES].get(&term["id"].to_string());
                        category.map(|found| json!({"id": found["id"], "name": found["name"], "slug": found["slug"]}))
                    });
                    // Terms that do not exist are left out without a word.
                    record["categories"] = shown.flatten().collect();
                }
                "images" => record["images"] = self.images(value),
                _ => record[name.as_str()] = value.clone(),
            }
        }
        // Without one, a product is in the shop's default category.
        if record["categories"].as_array().is_none_or(Vec::is_empty) {
            record["categories"] =
                json!([{"id": 15, "name": "Uncategorized", "slug": "uncategorized"}]);
        }
        if tree::filled(record, "name").is_none() {
            record["name"] = json!("Product");
        }
        let name = record["name"].as_str().unwrap_or_default().to_owned();
        self.slug(PRODUCTS, record, &name, own);
        let slug = record["slug"].as_str().unwrap_or_default().to_owned();
        record["permalink"] = json!(format!("https://butikk.example.com/product/{slug}/"));
        offer(record);
        Ok(())
    }

    fn category(
        &mut self,
        record: &mut Value,
        sent: &Map<String, Value>,
        own: &str,
    ) -> Result<(), Refusal> {
        for (name, value) in sent {
            record[name.as_str()] = trimmed(value);
        }
        let name = record["name"].as_str().unwrap_or_default().to_owned();
        if name.is_empty() {
            return Err(refusal(400, "empty_term_name", "A name is required for this term."));
        }
        let number: i64 = own.parse().unwrap_or(0);
        let twin = self.tables[CATEGORIES].current().find(|other| {
            other["id"] != number
                && other["parent"] == record["parent"]
                && other["name"].as_str().is_some_and(|other| other.eq_ignore_ascii_case(&name))
        });
        if let Some(twin) = twin {
            return Err(Refusal {
                data: json!({"resource_id": twin["id"]}),
                ..refusal(
                    400,
                    "term_exists",
                    "A term with the name provided already exists with this parent.",
                )
            });
        }
        self.slug(CATEGORIES, record, &name, own);
        Ok(())
    }

    /// A name for addresses that no other record has.
    fn slug(&self, at: usize, record: &mut Value, name: &str, own: &str) {
        let wanted = tree::filled(record, "slug").unwrap_or(name).to_lowercase();
        let mut base = String::new();
        for c in wanted.chars() {
            match c {
                'a'..='z' | '0'..='9' => base.push(c),
                'å' | 'ä' | 'á' => base.push('a'),
                'ø' | 'ö' | 'ó' => base.push('o'),
                'æ' => base.push_str("ae"),
                'é' => base.push('e'),
                _ if base.ends_with('-') || base.is_empty() => {}
                _ => base.push('-'),
            }
        }
        let base = base.trim_end_matches('-').to_owned();
        let found = (1..)
            .map(|n| if n == 1 { base.clone() } else { format!("{base}-{n}") })
            .find(|slug| self.tables[at].other_with(&format!("slug:{slug}"), own).is_none());
        record["slug"] = json!(found);
    }

    /// Meta data go by their id, else by their key; a value of null takes one away.
    fn meta(&mut self, record: &mut Value, sent: &Value) {
        let mut all = record["meta_data"].as_array().cloned().unwrap_or_default();
        for one in sent.as_array().into_iter().flatten() {
            let same = |known: &Value| match one["id"].as_i64() {
                Some(id) => known["id"].as_i64() == Some(id),
                None => known["key"] == one["key"],
            };
            match (all.iter().position(same), one["value"].is_null()) {
                (Some(place), true) => drop(all.remove(place)),
                (Some(place), false) => all[place]["value"] = one["value"].clone(),
                (None, true) => {}
                (None, false) => {
                    let id = self.count(3);
                    all.push(json!({"id": id, "key": one["key"], "value": one["value"]}));
                }
            }
        }
        record["meta_data"] = json!(all);
    }
}

/// A record that nobody has written anything in.
fn fresh(at: usize) -> Value {
    let mut record = types::blank(KINDS[at].fields);
    for name in ["password", "set_paid"] {
        if let Some(record) = record.as_object_mut() {
            record.remove(name);
        }
    }
    let defaults = match at {
        CUSTOMERS => {
            json!({"role": "customer", "avatar_url": "https://secure.gravatar.com/avatar/?s=96&d=mm&r=g"})
        }
        PRODUCTS => {
            json!({"status": "publish", "stock_quantity": null, "download_limit": -1, "download_expiry": -1, "shipping_required": true,
            "shipping_taxable": true, "reviews_allowed": true, "average_rating": "0.00", "related_ids": []})
        }
        ORDERS => {
            json!({"status": "pending", "currency": "NOK", "created_via": "rest-api", "version": "9.8.1", "discount_total": "0.00", "discount_tax": "0.00",
            "shipping_total": "0.00", "shipping_tax": "0.00", "cart_tax": "0.00", "total": "0.00", "total_tax": "0.00", "tax_lines": [], "refunds": []})
        }
        _ => json!({}),
    };
    tree::merge(&mut record, &defaults, false);
    record
}

fn trimmed(value: &Value) -> Value {
    value.as_str().map_or_else(|| value.clone(), |text| json!(text.trim()))
}

/// What follows from prices and stock.
fn offer(record: &mut Value) {
    let sale = tree::filled(record, "sale_price").map(str::to_owned);
    record["on_sale"] = json!(sale.is_some());
    let price =
        sale.unwrap_or_else(|| record["regular_price"].as_str().unwrap_or_default().to_owned());
    record["purchasable"] = json!(!price.is_empty());
    record["price"] = json!(price);
    record["shipping_required"] = json!(record["virtual"] != true);
    record["backorders_allowed"] = json!(record["backorders"] != "no");
    if record["manage_stock"] != true {
        record["stock_quantity"] = Value::Null;
    } else if record["stock_quantity"].is_null() {
        record["stock_quantity"] = json!(0);
    }
}

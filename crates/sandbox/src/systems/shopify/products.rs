//! Products and their variants. A product has one at least.

use super::base::{
    PRODUCT, Refused, Shopify, VARIANT, amount, id_of, number, price, refused, tags,
};
use super::customers::text;
use crate::util::time::seconds_z;
use jiff::Timestamp;
use serde_json::{Value, json};

/// A title as it stands in an address.
fn handle_of(title: &str) -> String {
    let plain: String = title
        .to_lowercase()
        .chars()
        .map(|c| match c {
            'å' | 'ä' | 'á' => 'a',
            'ø' | 'ö' => 'o',
            'é' => 'e',
            c if c.is_ascii_alphanumeric() => c,
            _ => '-',
        })
        .collect();
    let words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).collect();
    words.join("-")
}

/// HTML without its tags.
pub(super) fn without_tags(html: &str) -> String {
    let mut inside = false;
    let plain: String = html
        .chars()
        .filter(|c| {
            let shown = !inside && *c != '<';
            inside = (*c == '<' || inside) && *c != '>';
            shown
        })
        .collect();
    plain.trim().to_owned()
}

impl Shopify {
    pub(super) fn store_product(
        &mut self,
        gid: Option<&str>,
        sent: &Value,
        now: Timestamp,
    ) -> Result<String, Refused> {
        let before = match gid {
            Some(gid) => match self.record(gid).filter(|_| gid.contains("/Product/")) {
                Some(record) => Some(record.clone()),
                None => return refused(&["id"], "Product does not exist"),
            },
            None => None,
        };
        let fresh = before.is_none();
        let mut record = before.unwrap_or_else(|| {
            json!({"title": "", "handle": "", "descriptionHtml": "", "productType": "", "vendor": "Fjellheim Husflid", "status": "ACTIVE", "tags": [],
                "createdAt": seconds_z(now), "publishedAt": seconds_z(now)})
        });
        for name in ["title", "descriptionHtml", "productType", "vendor", "status"] {
            if let Some(value) = sent.get(name) {
                record[name] = json!(value.as_str().unwrap_or_default().trim());
            }
        }
        if let Some(value) = sent.get("tags") {
            record["tags"] = tags(value);
        }
        let title = record["title"].as_str().unwrap_or_default().to_owned();
        if title.is_empty() {
            return refused(&["title"], "Title can't be blank");
        }
        if title.chars().count() > 255 {
            return refused(&["title"], "Title is too long (maximum is 255 characters)");
        }
        let own = gid.map(number).unwrap_or_default();
        if let Some(handle) = self.free_handle(own, sent, &title, fresh)? {
            record["handle"] = json!(handle);
        }
        if fresh {
            record["id"] = json!(self.gid("Product"));
        }
        let gid = self.keep(PRODUCT, record, now);
        if fresh {
            let variants = sent["variants"].as_array().cloned().unwrap_or_else(|| vec![json!({})]);
            for (n, sent) in variants.iter().enumerate() {
                let variant = json!({"id": self.gid("ProductVariant"), "product": gid, "title": if n == 0 { "Default Title".to_owned() } else { format!("{}", n + 1) },
                    "sku": null, "barcode": null, "price": "0.00", "compareAtPrice": null, "taxable": true, "position": n + 1, "inventoryPolicy": "DENY",
                    "inventoryItem": {"id": self.gid("InventoryItem"), "sku": null, "tracked": false, "requiresShipping": true}, "createdAt": seconds_z(now)});
                self.set_variant(variant, sent, now)?;
            }
            // The variants are the product's; they are not counted as written by themselves.
            self.wrote.retain(|one| one.collection != "productVariants");
        }
        Ok(gid)
    }

    /// The handle that a product gets; none where it keeps its own.
    fn free_handle(
        &self,
        own: &str,
        sent: &Value,
        title: &str,
        fresh: bool,
    ) -> Result<Option<String>, Refused> {
        let taken = |handle: &str| {
            self.tables[PRODUCT].other_with(&format!("handle:{handle}"), own).is_some()
        };
        if let Some(handle) = sent["handle"].as_str().filter(|handle| !handle.trim().is_empty()) {
            let handle = handle_of(handle);
            if taken(&handle) {
                return refused(
                    &["input", "handle"],
                    format!("Handle '{handle}' already in use. Please provide a new handle."),
                );
            }
            return Ok(Some(handle));
        }
        let base = handle_of(title);
        let free = std::iter::once(base.clone())
            .chain((1..).map(|n| format!("{base}-{n}")))
            .find(|handle| !taken(handle));
        Ok(free.filter(|_| fresh))
    }

    pub(super) fn set_variant(
        &mut self,
        mut variant: Value,
        sent: &Value,
        now: Timestamp,
    ) -> Result<String, Refused> {
        for name in ["price", "compareAtPrice"] {
            match sent.get(name) {
                None => {}
                Some(Value::Null) if name == "compareAtPrice" => variant[name] = Value::Null,
                Some(value) if amount(value) < 0.0 => {
                    return refused(&[name], format!("{name} must be greater than or equal to 0"));
                }
                Some(value) => variant[name] = json!(price(amount(value))),
            }
        }
        if let Some(value) = sent.get("barcode") {
            variant["barcode"] = text(value);
        }
        for name in ["taxable", "inventoryPolicy"] {
            if let Some(value) = sent.get(name).filter(|value| !value.is_null()) {
                variant[name] = value.clone();
            }
        }
        for (name, value) in sent["inventoryItem"].as_object().into_iter().flatten() {
            variant["inventoryItem"][name] =
                if name == "sku" { text(value) } else { value.clone() };
        }
        variant["sku"] = variant["inventoryItem"]["sku"].clone();
        Ok(self.keep(VARIANT, variant, now))
    }

    pub(super) fn change_variants(
        &mut self,
        args: &Value,
        now: Timestamp,
    ) -> Result<Value, Refused> {
        let product = args["productId"].as_str().unwrap_or_default().to_owned();
        let Some(mut record) =
            self.record(&product).filter(|_| product.contains("/Product/")).cloned()
        else {
            return refused(&["productId"], "Product does not exist");
        };
        let sent = args["variants"].as_array().cloned().unwrap_or_default();
        // All or none.
        let before = self.clone();
        let mut changed = Vec::new();
        for (n, one) in sent.iter().enumerate() {
            let known = self
                .record(id_of(one))
                .filter(|variant| variant["product"] == product.as_str())
                .cloned();
            let outcome = match known {
                Some(variant) => self.set_variant(variant, one, now),
                None => refused(&["id"], "Product variant does not exist"),
            };
            match outcome {
                Ok(gid) => changed.push(gid),
                Err(wrong) => {
                    *self = before;
                    let at = |field: Vec<String>| {
                        [vec!["variants".to_owned(), n.to_string()], field].concat()
                    };
                    return Err(wrong
                        .into_iter()
                        .map(|(field, message)| (at(field), message))
                        .collect());
                }
            }
        }
        // A product changes with its variants.
        if self.wrote.iter().any(|one| one.changed) {
            record["updatedAt"] = json!(seconds_z(now));
            self.tables[PRODUCT].put(number(&product), record, now);
        }
        Ok(json!({"product": product, "productVariants": changed}))
    }

    pub(super) fn variants_of(&self, product: &str) -> Vec<Value> {
        let mut all: Vec<Value> =
            self.with_key(VARIANT, &format!("product:{product}")).into_iter().cloned().collect();
        all.sort_by_key(|one| one["position"].as_u64());
        all
    }

    pub(super) fn delete_product(&mut self, gid: &str, now: Timestamp) -> Result<String, Refused> {
        if !gid.contains("/Product/") || self.record(gid).is_none() {
            return refused(&["id"], "Product does not exist");
        }
        for variant in self.variants_of(gid) {
            self.tables[VARIANT].remove(number(id_of(&variant)), now);
        }
        self.drop_record(gid, now);
        Ok(gid.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_become_handles_and_html_becomes_text() {
        assert_eq!(handle_of("Ullgenser, grå (XL)"), "ullgenser-gra-xl");
        assert_eq!(without_tags("<p>Strikket <b>for hånd</b>.</p>"), "Strikket for hånd.");
    }
}

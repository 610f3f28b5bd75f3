//! The properties of customers, products, categories, orders and webhooks, and the parameters of
//! their lists. Vendor: woocommerce/woocommerce-rest-api-docs, wp-api-v3.

use super::schema::{Field, Shape, fixed, open};
use serde_json::{Value, json};

use Shape::{Any, Email, Flag, List, Object, OneOf, Text, Time, Whole};

const META: Shape = Object(&[fixed("id", Whole), open("key", Text), open("value", Any)]);
const IDS: Shape = List(&Whole);

pub(super) const ADDRESS: &[Field] = &[
    open("first_name", Text),
    open("last_name", Text),
    open("company", Text),
    open("address_1", Text),
    open("address_2", Text),
    open("city", Text),
    open("state", Text),
    open("postcode", Text),
    open("country", Text),
    open("phone", Text),
];

const BILLING: &[Field] = &[
    open("first_name", Text),
    open("last_name", Text),
    open("company", Text),
    open("address_1", Text),
    open("address_2", Text),
    open("city", Text),
    open("state", Text),
    open("postcode", Text),
    open("country", Text),
    open("email", Email),
    open("phone", Text),
];

pub(super) const CUSTOMER: &[Field] = &[
    fixed("id", Whole),
    fixed("date_created", Time),
    fixed("date_created_gmt", Time),
    fixed("date_modified", Time),
    fixed("date_modified_gmt", Time),
    open("email", Email),
    open("first_name", Text),
    open("last_name", Text),
    fixed("role", Text),
    open("username", Text),
    open("password", Text),
    open("billing", Object(BILLING)),
    open("shipping", Object(ADDRESS)),
    fixed("is_paying_customer", Flag),
    fixed("avatar_url", Text),
    open("meta_data", List(&META)),
];

const TERM: Shape = Object(&[open("id", Whole), fixed("name", Text), fixed("slug", Text)]);
const IMAGE: Shape = Object(&[
    open("id", Whole),
    fixed("date_created", Time),
    fixed("date_created_gmt", Time),
    fixed("date_modified", Time),
    fixed("date_modified_gmt", Time),
    open("src", Text),
    open("name", Text),
    open("alt", Text),
]);

pub(super) const PRODUCT: &[Field] = &[
    fixed("id", Whole),
    open("name", Text),
    open("slug", Text),
    fixed("permalink", Text),
    open("date_created", Time),
    open("date_created_gmt", Time),
    fixed("date_modified", Time),
    fixed("date_modified_gmt", Time),
    open("type", OneOf(&["simple", "grouped", "external", "variable"])),
    open(
        "status",
        OneOf(&["draft", "pending", "private", "publish", "future", "auto-draft", "trash"]),
    ),
    open("featured", Flag),
    open("catalog_visibility", OneOf(&["visible", "catalog", "search", "hidden"])),
    open("description", Text),
    open("short_description", Text),
    open("sku", Text),
    fixed("price", Text),
    open("regular_price", Text),
    open("sale_price", Text),
    open("date_on_sale_from", Time),
    open("date_on_sale_from_gmt", Time),
    open("date_on_sale_to", Time),
    open("date_on_sale_to_gmt", Time),
    fixed("price_html", Text),
    fixed("on_sale", Flag),
    fixed("purchasable", Flag),
    fixed("total_sales", Whole),
    open("virtual", Flag),
    open("downloadable", Flag),
    open("downloads", List(&Any)),
    open("download_limit", Whole),
    open("download_expiry", Whole),
    open("external_url", Text),
    open("button_text", Text),
    open("tax_status", OneOf(&["taxable", "shipping", "none"])),
    open("tax_class", Text),
    open("manage_stock", Flag),
    open("stock_quantity", Whole),
    open("stock_status", OneOf(&["instock", "outofstock", "onbackorder"])),
    open("backorders", OneOf(&["no", "notify", "yes"])),
    fixed("backorders_allowed", Flag),
    fixed("backordered", Flag),
    open("sold_individually", Flag),
    open("weight", Text),
    open("dimensions", Object(&[open("length", Text), open("width", Text), open("height", Text)])),
    fixed("shipping_required", Flag),
    fixed("shipping_taxable", Flag),
    open("shipping_class", Text),
    fixed("shipping_class_id", Whole),
    open("reviews_allowed", Flag),
    fixed("average_rating", Text),
    fixed("rating_count", Whole),
    fixed("related_ids", IDS),
    open("upsell_ids", IDS),
    open("cross_sell_ids", IDS),
    open("parent_id", Whole),
    open("purchase_note", Text),
    open("categories", List(&TERM)),
    open("tags", List(&TERM)),
    open("images", List(&IMAGE)),
    open("attributes", List(&Any)),
    open("default_attributes", List(&Any)),
    fixed("variations", IDS),
    open("grouped_products", IDS),
    open("menu_order", Whole),
    open("meta_data", List(&META)),
];

pub(super) const CATEGORY: &[Field] = &[
    fixed("id", Whole),
    open("name", Text),
    open("slug", Text),
    open("parent", Whole),
    open("description", Text),
    open("display", OneOf(&["default", "products", "subcategories", "both"])),
    fixed("image", Any),
    open("menu_order", Whole),
    fixed("count", Whole),
];

pub(super) const STATUSES: &[&str] = &[
    "auto-draft",
    "pending",
    "processing",
    "on-hold",
    "completed",
    "cancelled",
    "refunded",
    "failed",
    "checkout-draft",
];

const LINE_ITEM: Shape = Object(&[
    open("id", Whole),
    open("name", Any),
    open("product_id", Any),
    open("variation_id", Whole),
    open("quantity", Whole),
    open("tax_class", Text),
    open("subtotal", Text),
    fixed("subtotal_tax", Text),
    open("total", Text),
    fixed("total_tax", Text),
    fixed("taxes", Any),
    open("meta_data", List(&META)),
    open("sku", Any),
    fixed("price", Any),
]);
const SHIPPING_LINE: Shape = Object(&[
    open("id", Whole),
    open("method_title", Any),
    open("method_id", Any),
    open("total", Text),
    fixed("total_tax", Text),
    fixed("taxes", Any),
    open("meta_data", List(&META)),
]);
const FEE_LINE: Shape = Object(&[
    open("id", Whole),
    open("name", Any),
    open("tax_class", Text),
    open("tax_status", OneOf(&["taxable", "none"])),
    open("total", Text),
    fixed("total_tax", Text),
    fixed("taxes", Any),
    open("meta_data", List(&META)),
]);

pub(super) const ORDER: &[Field] = &[
    fixed("id", Whole),
    open("parent_id", Whole),
    fixed("number", Text),
    fixed("order_key", Text),
    open("created_via", Text),
    fixed("version", Text),
    open("status", OneOf(STATUSES)),
    open("currency", OneOf(&["DKK", "EUR", "GBP", "ISK", "NOK", "SEK", "USD"])),
    fixed("date_created", Time),
    fixed("date_created_gmt", Time),
    fixed("date_modified", Time),
    fixed("date_modified_gmt", Time),
    fixed("discount_total", Text),
    fixed("discount_tax", Text),
    fixed("shipping_total", Text),
    fixed("shipping_tax", Text),
    fixed("cart_tax", Text),
    fixed("total", Text),
    fixed("total_tax", Text),
    fixed("prices_include_tax", Flag),
    open("customer_id", Whole),
    fixed("customer_ip_address", Text),
    fixed("customer_user_agent", Text),
    open("customer_note", Text),
    open("billing", Object(BILLING)),
    open("shipping", Object(ADDRESS)),
    open("payment_method", Text),
    open("payment_method_title", Text),
    open("transaction_id", Text),
    fixed("date_paid", Time),
    fixed("date_paid_gmt", Time),
    fixed("date_completed", Time),
    fixed("date_completed_gmt", Time),
    fixed("cart_hash", Text),
    open("meta_data", List(&META)),
    open("line_items", List(&LINE_ITEM)),
    fixed("tax_lines", Any),
    open("shipping_lines", List(&SHIPPING_LINE)),
    open("fee_lines", List(&FEE_LINE)),
    open("coupon_lines", List(&Any)),
    fixed("refunds", Any),
    open("set_paid", Flag),
];

pub(super) const WEBHOOK: &[Field] = &[
    fixed("id", Whole),
    open("name", Text),
    open("status", OneOf(&["active", "paused", "disabled"])),
    open("topic", Text),
    fixed("resource", Text),
    fixed("event", Text),
    fixed("hooks", Any),
    open("delivery_url", Text),
    open("secret", Text),
    fixed("date_created", Time),
    fixed("date_created_gmt", Time),
    fixed("date_modified", Time),
    fixed("date_modified_gmt", Time),
];

/// The parameters that every list takes.
const COMMON: &[Field] = &[
    open("context", OneOf(&["view", "edit"])),
    open("page", Whole),
    open("per_page", Whole),
    open("search", Text),
    open("exclude", IDS),
    open("include", IDS),
    open("offset", Whole),
    open("order", OneOf(&["asc", "desc"])),
    open("_fields", Text),
];

const CUSTOMERS: &[Field] = &[
    open("orderby", OneOf(&["id", "include", "name", "registered_date"])),
    open("email", Email),
    open(
        "role",
        OneOf(&[
            "all",
            "administrator",
            "editor",
            "author",
            "contributor",
            "subscriber",
            "customer",
            "shop_manager",
        ]),
    ),
];

/// What the lists of posts have in common.
const POSTS: &[Field] = &[
    open("after", Time),
    open("before", Time),
    open("modified_after", Time),
    open("modified_before", Time),
    open("dates_are_gmt", Flag),
    open("parent", IDS),
    open("parent_exclude", IDS),
];

const PRODUCTS: &[Field] = &[
    open(
        "orderby",
        OneOf(&[
            "date",
            "modified",
            "id",
            "include",
            "title",
            "slug",
            "price",
            "popularity",
            "rating",
            "menu_order",
        ]),
    ),
    open("slug", Text),
    open("status", OneOf(&["any", "future", "trash", "draft", "pending", "private", "publish"])),
    open("type", OneOf(&["simple", "grouped", "external", "variable"])),
    open("sku", Text),
    open("featured", Flag),
    open("category", Text),
    open("on_sale", Flag),
    open("min_price", Text),
    open("max_price", Text),
    open("stock_status", OneOf(&["instock", "outofstock", "onbackorder"])),
];

const ORDERS: &[Field] = &[
    open("orderby", OneOf(&["date", "modified", "id", "include", "title", "slug"])),
    open(
        "status",
        List(&OneOf(&[
            "any",
            "trash",
            "auto-draft",
            "pending",
            "processing",
            "on-hold",
            "completed",
            "cancelled",
            "refunded",
            "failed",
            "checkout-draft",
        ])),
    ),
    open("customer", Whole),
    open("product", Whole),
    open("dp", Whole),
];

const CATEGORIES: &[Field] = &[
    open(
        "orderby",
        OneOf(&["id", "include", "name", "slug", "term_group", "description", "count"]),
    ),
    open("hide_empty", Flag),
    open("parent", Whole),
    open("product", Whole),
    open("slug", Text),
];

/// One kind of record.
pub(super) struct Kind {
    pub fields: &'static [Field],
    pub parameters: &'static [&'static [Field]],
    pub order: (&'static str, &'static str),
}

pub(super) const KINDS: &[Kind] = &[
    Kind { fields: CUSTOMER, parameters: &[COMMON, CUSTOMERS], order: ("name", "asc") },
    Kind { fields: PRODUCT, parameters: &[COMMON, POSTS, PRODUCTS], order: ("date", "desc") },
    Kind { fields: CATEGORY, parameters: &[COMMON, CATEGORIES], order: ("name", "asc") },
    Kind { fields: ORDER, parameters: &[COMMON, POSTS, ORDERS], order: ("date", "desc") },
];

/// What the sandbox calls them, in the same order.
pub(super) const NAMES: &[&str] = &["customers", "products", "categories", "orders"];

/// What a field holds at first.
pub(super) fn blank(fields: &[Field]) -> Value {
    let mut record = json!({});
    for field in fields {
        record[field.name] = match field.shape {
            Shape::Whole => json!(0),
            Shape::Flag => json!(false),
            Shape::Time | Shape::Any => Value::Null,
            Shape::Text | Shape::Email => json!(""),
            Shape::OneOf(choices) => json!(choices[0]),
            Shape::Object(inner) => blank(inner),
            Shape::List(_) => json!([]),
        };
    }
    record
}

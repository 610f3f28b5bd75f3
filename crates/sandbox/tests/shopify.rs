//! Shopify over real HTTP: queries and mutations of the GraphQL Admin API, search syntax, cursors,
//! costs, `userErrors`, webhooks. What is served is held against the vendor's schema by a test of
//! its own.

use crate::support::{Answer, Called, Caller, credential, filled, form, only};
use lockstep_sandbox::{FaultKind, Options, Rate, Running, Sandbox, Setting};
use serde_json::{Value, json};

const SYSTEM: &str = "shopify";
const PATH: &str = "/admin/api/2026-07/graphql.json";

fn shop(sandbox: &Running) -> Caller {
    let token = credential(SYSTEM, "SHOPIFY_ACCESS_TOKEN");
    Caller::new(sandbox.url(SYSTEM).unwrap(), &[("x-shopify-access-token", &token)])
}

fn sent(api: &Caller, query: &str, variables: Value) -> Answer {
    api.post(PATH, &json!({"query": query, "variables": variables}))
}

/// The data of a request that is taken.
#[track_caller]
fn ask(api: &Caller, query: &str, variables: Value) -> Value {
    let body = sent(api, query, variables).expect(200);
    assert!(body.get("errors").is_none(), "{body}");
    body["data"].clone()
}

/// The first error of a request that is not.
#[track_caller]
fn refused(api: &Caller, query: &str, variables: Value) -> Value {
    let body = sent(api, query, variables).expect(200);
    assert!(body["errors"][0]["message"].is_string(), "{body}");
    body["errors"][0].clone()
}

const CREATE: &str = "mutation($input: CustomerInput!) { customerCreate(input: $input) { customer { id email phone } userErrors { field message } } }";
const UPDATE: &str = "mutation($input: CustomerInput!) { customerUpdate(input: $input) { customer { id firstName email note tags updatedAt } userErrors { field message } } }";

#[track_caller]
fn customer(api: &Caller, input: Value) -> String {
    let made = ask(api, CREATE, json!({"input": input}));
    made["customerCreate"]["customer"]["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}

#[test]
fn a_token_stands_or_is_given_for_a_day() {
    let sandbox = only(SYSTEM);
    let api = shop(&sandbox);
    let data = ask(
        &api,
        "{ shop { name myshopifyDomain currencyCode } currentAppInstallation { accessScopes { handle } } }",
        Value::Null,
    );
    assert_eq!(data["shop"]["currencyCode"], "NOK");
    let body = json!({"query": "{ shop { id } }"});
    let stranger =
        api.with("POST", PATH, &[("x-shopify-access-token", "shpat_wrong")], Some(&body));
    assert!(stranger.expect(401)["errors"].as_str().unwrap().starts_with("[API] Invalid API key"));
    let login = Caller::new(sandbox.url(SYSTEM).unwrap(), &[]);
    let of = |name: &str| credential(SYSTEM, &format!("SHOPIFY_CLIENT_{name}"));
    let fields = |secret: &str| {
        [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", of("ID")),
            ("client_secret", secret.to_owned()),
        ]
    };
    let give = |secret: &str| {
        let fields = fields(secret);
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        form(&login, "/admin/oauth/access_token", &fields)
    };
    assert_eq!(give("wrong").expect(400)["error"], "invalid_client");
    let given = give(&of("SECRET")).expect(200);
    assert_eq!(given["expires_in"], 86_399);
    let token = given["access_token"].as_str().unwrap();
    let with = |api: &Caller| {
        api.with("POST", PATH, &[("x-shopify-access-token", token)], Some(&body)).status
    };
    assert_eq!(with(&api), 200);
    sandbox.expire_tokens(SYSTEM).unwrap();
    assert_eq!(with(&api), 401);
    assert_eq!(api.get(PATH).status, 404);
    assert_eq!(api.post("/admin/api/next/graphql.json", &body).status, 404);
}

#[test]
fn a_customer_is_created_read_changed_and_deleted() {
    let sandbox = only(SYSTEM);
    let api = shop(&sandbox);
    let input = json!({"firstName":" Kari ","lastName":"Berg","email":"Kari.Berg@Example.com","phone":"99 88 77 66","tags":["vip","b2b, vip"],
        "addresses":[{"address1":"Storgata 1","city":"Odda","zip":"5750","countryCode":"NO"}]});
    let gid = customer(&api, input);
    assert!(gid.starts_with("gid://shopify/Customer/"));
    let read = "query($id: ID!) { customer(id: $id) { id legacyResourceId displayName email phone note tags numberOfOrders amountSpent { amount currencyCode }
        defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber } defaultAddress { city country countryCodeV2 name } createdAt updatedAt __typename } }";
    let one = ask(&api, read, json!({"id": gid}))["customer"].clone();
    for (name, value) in [
        ("displayName", json!("Kari Berg")),
        ("email", json!("kari.berg@example.com")),
        ("phone", json!("+4799887766")),
        ("note", Value::Null),
        ("tags", json!(["b2b", "vip"])),
        ("numberOfOrders", json!("0")),
        ("amountSpent", json!({"amount":"0.0","currencyCode":"NOK"})),
        ("defaultEmailAddress", json!({"emailAddress":"kari.berg@example.com"})),
        (
            "defaultAddress",
            json!({"city":"Odda","country":"Norway","countryCodeV2":"NO","name":null}),
        ),
        ("__typename", json!("Customer")),
        ("legacyResourceId", json!(gid.rsplit('/').next())),
    ] {
        assert_eq!(one[name], value, "{name}");
    }
    assert!(
        one["createdAt"].as_str().unwrap().ends_with('Z')
            && one["createdAt"].as_str().unwrap().len() == 20
    );
    let changed = ask(
        &api,
        UPDATE,
        json!({"input":{"id":gid,"note":"Ring først","firstName":null}}),
    )["customerUpdate"]
        .clone();
    assert_eq!(changed["userErrors"], json!([]));
    assert_eq!(
        (&changed["customer"]["note"], &changed["customer"]["firstName"]),
        (&json!("Ring først"), &Value::Null)
    );
    let by =
        "query($by: CustomerIdentifierInput!) { customerByIdentifier(identifier: $by) { id } }";
    assert_eq!(
        ask(&api, by, json!({"by":{"emailAddress":"KARI.berg@example.com"}}))["customerByIdentifier"]
            ["id"],
        gid.as_str()
    );
    let delete = "mutation($input: CustomerDeleteInput!) { customerDelete(input: $input) { deletedCustomerId userErrors { field message } } }";
    assert_eq!(
        ask(&api, delete, json!({"input":{"id":gid}}))["customerDelete"]["deletedCustomerId"],
        gid.as_str()
    );
    assert_eq!(
        ask(&api, read, json!({"id": gid}))["customer"],
        Value::Null,
        "what is deleted is null"
    );
    let again = ask(&api, delete, json!({"input":{"id":gid}}))["customerDelete"].clone();
    assert_eq!(
        (&again["deletedCustomerId"], &again["userErrors"][0]["field"]),
        (&Value::Null, &json!(["id"]))
    );
    let missing =
        ask(&api, UPDATE, json!({"input":{"id":gid,"note":"x"}}))["customerUpdate"].clone();
    assert_eq!(
        missing,
        json!({"customer":null,"userErrors":[{"field":["id"],"message":"Customer does not exist"}]})
    );
    let count = sandbox.writes()[SYSTEM]["customers"];
    assert_eq!((count.create, count.update, count.delete), (1, 1, 1));
}

#[test]
fn what_a_customer_can_t_have_is_a_user_error() {
    let sandbox = only(SYSTEM);
    let api = shop(&sandbox);
    let wrong = |input: Value| {
        ask(&api, CREATE, json!({"input": input}))["customerCreate"]["userErrors"].clone()
    };
    customer(&api, json!({"email":"kari@example.com","phone":"+4799887766"}));
    assert_eq!(
        wrong(json!({"email":"KARI@example.com","phone":"99887766"})),
        json!([{"field":["email"],"message":"Email has already been taken"},{"field":["phone"],"message":"Phone has already been taken"}])
    );
    assert_eq!(
        wrong(json!({"email":"kari"})),
        json!([{"field":["email"],"message":"Email is invalid"}])
    );
    assert_eq!(
        wrong(json!({"phone":"12"})),
        json!([{"field":["phone"],"message":"Phone is invalid"}])
    );
    assert_eq!(
        wrong(json!({"note":"x"})),
        json!([{"field":null,"message":"A name, phone number, or email address must be present"}])
    );
    assert_eq!(sandbox.writes()[SYSTEM]["customers"].create, 1);
}

#[test]
fn addresses_are_the_customers_and_the_first_is_the_usual_one() {
    let sandbox = only(SYSTEM);
    let api = shop(&sandbox);
    let gid = customer(&api, json!({"firstName":"Kari"}));
    let add = "mutation($c: ID!, $a: MailingAddressInput!, $d: Boolean) { customerAddressCreate(customerId: $c, address: $a, setAsDefault: $d) { address { id city } userErrors { message } } }";
    let first = ask(&api, add, json!({"c":gid,"a":{"city":"Odda"}}))["customerAddressCreate"]["address"]["id"].clone();
    ask(&api, add, json!({"c":gid,"a":{"city":"Voss"},"d":true}));
    let cities = || {
        let read = ask(
            &api,
            "query($id: ID!) { customer(id: $id) { addressesV2(first: 9) { nodes { city } } defaultAddress { city } } }",
            json!({"id":gid}),
        );
        let nodes = read["customer"]["addressesV2"]["nodes"].as_array().unwrap().clone();
        assert_eq!(read["customer"]["defaultAddress"], nodes[0]);
        nodes.iter().map(|one| one["city"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(cities(), ["Voss", "Odda"]);
    let change = "mutation($c: ID!, $id: ID!, $a: MailingAddressInput!) { customerAddressUpdate(customerId: $c, addressId: $id, address: $a) { address { city } userErrors { field } } }";
    ask(&api, change, json!({"c":gid,"id":first,"a":{"city":"Moss"}}));
    let usual = "mutation($c: ID!, $id: ID!) { customerUpdateDefaultAddress(customerId: $c, addressId: $id) { customer { id } userErrors { field } } }";
    ask(&api, usual, json!({"c":gid,"id":first}));
    assert_eq!(cities(), ["Moss", "Voss"]);
    let drop = "mutation($c: ID!, $id: ID!) { customerAddressDelete(customerId: $c, addressId: $id) { deletedAddressId userErrors { field } } }";
    assert_eq!(
        ask(&api, drop, json!({"c":gid,"id":first}))["customerAddressDelete"]["deletedAddressId"],
        first
    );
    assert_eq!(
        ask(&api, drop, json!({"c":gid,"id":first}))["customerAddressDelete"]["userErrors"][0]["field"],
        json!(["addressId"])
    );
    assert_eq!(cities(), ["Voss"]);
}

#[test]
fn requests_that_do_not_fit_the_schema_are_refused_whole() {
    let sandbox = only(SYSTEM);
    let api = shop(&sandbox);
    let code = |query: &str, variables: Value| {
        refused(&api, query, variables)["extensions"]["code"].clone()
    };
    let wrong = refused(&api, "{ shop { boat } }", Value::Null);
    assert_eq!(wrong["message"], "Field 'boat' doesn't exist on type 'Shop'");
    assert_eq!(
        (&wrong["extensions"]["code"], &wrong["locations"]),
        (&json!("undefinedField"), &json!([{"line":1,"column":10}]))
    );
    assert_eq!(code("{ shop }", Value::Null), "selectionMismatch");
    assert_eq!(code("{ shop { name { a } } }", Value::Null), "selectionMismatch");
    assert_eq!(code("{ customer { id } }", Value::Null), "missingRequiredArguments");
    assert_eq!(
        code("{ customers(first: 1, colour: 2) { nodes { id } } }", Value::Null),
        "argumentNotAccepted"
    );
    let mismatch =
        refused(&api, "query($id: String!) { customer(id: $id) { id } }", json!({"id":"x"}));
    assert_eq!(
        mismatch["message"],
        "Type mismatch on variable $id and argument id (String! / ID!)"
    );
    let value =
        refused(&api, "query($id: ID!) { customer(id: $id) { id } }", json!({"id":"52048166948"}));
    assert_eq!(value["message"], "Variable $id of type ID! was provided invalid value");
    assert_eq!(
        value["extensions"]["problems"],
        json!([{"path":[],"explanation":"Invalid global id `52048166948`"}])
    );
    let field = refused(&api, CREATE, json!({"input":{"boat":1}}));
    assert_eq!(
        field["message"],
        "Variable $input of type CustomerInput! was provided invalid value for boat (Field is not defined on CustomerInput)"
    );
    assert_eq!(
        code(
            "mutation { customerCreate(input: {firstName: 5}) { userErrors { message } } }",
            Value::Null
        ),
        "argumentLiteralsIncompatible"
    );
    assert!(
        refused(&api, "{ shop { name ", Value::Null)["message"]
            .as_str()
            .unwrap()
            .starts_with("syntax error")
    );
    let other = refused(&api, "{ customer(id: \"gid://shopify/Product/1\") { id } }", Value::Null);
    assert_eq!(other["extensions"]["code"], "RESOURCE_NOT_FOUND");
    assert_eq!(api.post(PATH, &json!({"q": 1})).status, 400);
    assert!(sandbox.writes().is_empty());
}

#[test]
fn lists_come_in_pages_by_cursor() {
    let sandbox = filled(SYSTEM);
    let api = shop(&sandbox);
    let all: Vec<Value> =
        sandbox.records(SYSTEM, "customers").unwrap().iter().map(|one| one["id"].clone()).collect();
    let list = "query($n: Int, $after: String, $down: Boolean) { customers(first: $n, after: $after, reverse: $down) { edges { cursor node { id } } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
    for down in [false, true] {
        let (mut seen, mut after) = (Vec::new(), Value::Null);
        loop {
            let page =
                ask(&api, list, json!({"n":7,"after":after,"down":down}))["customers"].clone();
            seen.extend(page["nodes"].as_array().unwrap().iter().map(|one| one["id"].clone()));
            assert_eq!(page["edges"][0]["node"], page["nodes"][0]);
            assert_eq!(page["pageInfo"]["startCursor"], page["edges"][0]["cursor"]);
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
        let mut wanted = all.clone();
        if down {
            wanted.reverse();
        }
        assert_eq!(seen, wanted);
    }
    let last = ask(
        &api,
        "{ customers(last: 2) { nodes { id } pageInfo { hasPreviousPage hasNextPage } } }",
        Value::Null,
    )["customers"]
        .clone();
    assert_eq!(last["nodes"][1]["id"], *all.last().unwrap());
    assert_eq!(
        (&last["pageInfo"]["hasPreviousPage"], &last["pageInfo"]["hasNextPage"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        refused(&api, "{ customers { nodes { id } } }", Value::Null)["message"],
        "you must provide one of first or last"
    );
    let long = refused(&api, "{ customers(first: 251) { nodes { id } } }", Value::Null);
    assert!(long["message"].as_str().unwrap().starts_with("first cannot exceed 250."));
    let odd = refused(&api, list, json!({"n":1,"after":"zzz"}));
    assert_eq!(odd["message"], "Invalid cursor for current pagination sort.");
}

#[test]
fn filters_find_by_time_and_value_and_unknown_ones_are_left_out() {
    let sandbox = only(SYSTEM);
    let api = shop(&sandbox);
    for (first, email, tags) in [
        ("Kari", "kari@example.com", "vip"),
        ("Liv", "liv@example.org", ""),
        ("Siv", "siv@example.com", "vip,old"),
    ] {
        customer(&api, json!({"firstName":first,"email":email,"tags":[tags]}));
    }
    let list = "query($q: String!) { customers(first: 9, query: $q) { nodes { firstName } } }";
    let found = |q: &str| {
        let nodes = ask(&api, list, json!({"q": q}))["customers"]["nodes"].clone();
        nodes
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["firstName"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(found("email:\"kari@example.com\""), ["Kari"]);
    assert_eq!(found("tag:vip AND -tag:old"), ["Kari"]);
    assert_eq!(found("first_name:Liv OR first_name:Siv"), ["Liv", "Siv"]);
    assert_eq!(found("email:'nobody@example.com'"), [""; 0]);
    let stamp =
        sandbox.records(SYSTEM, "customers").unwrap()[0]["updatedAt"].as_str().unwrap().to_owned();
    assert_eq!(found(&format!("updated_at:>='{stamp}'")).len(), 3);
    assert_eq!(found("updated_at:>'2099-01-01T00:00:00Z'"), [""; 0]);
    // A filter that there is none of finds everything, and says so beside the data.
    let body = sent(&api, list, json!({"q":"colour:red"})).expect(200);
    assert_eq!(body["data"]["customers"]["nodes"].as_array().unwrap().len(), 3);
    assert_eq!(body["extensions"]["search"][0]["warnings"][0]["field"], "colour");
    let gid = sandbox.records(SYSTEM, "customers").unwrap()[1]["id"].clone();
    let number = gid.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    assert_eq!(found(&format!("id:>={number}")), ["Liv", "Siv"]);
    // By when they were changed, then by their numbers.
    sandbox.set_clock_offset(SYSTEM, 60).unwrap();
    assert_eq!(found("updated_at:<now").len(), 3);
    ask(&api, UPDATE, json!({"input":{"id":gid,"note":"x"}}));
    let sorted = ask(
        &api,
        "{ customers(first: 9, sortKey: UPDATED_AT) { nodes { firstName } } }",
        Value::Null,
    );
    assert_eq!(sorted["customers"]["nodes"][2]["firstName"], "Liv");
}

#[test]
fn a_filter_is_behind_and_a_plain_list_is_not() {
    let options = Options {
        systems: vec![SYSTEM.to_owned()],
        list_lag: std::time::Duration::from_secs(600),
        ..Options::empty()
    };
    let sandbox = Sandbox::start(options).unwrap();
    let api = shop(&sandbox);
    customer(&api, json!({"email":"ny@example.com"}));
    let both = ask(
        &api,
        "{ a: customers(first: 5) { nodes { id } } b: customers(first: 5, query: \"email:*\") { nodes { id } } }",
        Value::Null,
    );
    assert_eq!(
        (both["a"]["nodes"].as_array().unwrap().len(), &both["b"]["nodes"]),
        (1, &json!([]))
    );
}

#[test]
fn products_have_variants() {
    let sandbox = only(SYSTEM);
    let api = shop(&sandbox);
    let create = "mutation($p: ProductCreateInput) { productCreate(product: $p) { product { id handle status variants(first: 5) { nodes { id title price sku product { id } } } } userErrors { field message } } }";
    let made = ask(
        &api,
        create,
        json!({"p":{"title":"Lue, grå","descriptionHtml":"<p>Strikket.</p>"}}),
    )["productCreate"]["product"]
        .clone();
    assert_eq!((&made["handle"], &made["status"]), (&json!("lue-gra"), &json!("ACTIVE")));
    let variant = made["variants"]["nodes"][0].clone();
    assert_eq!(
        (&variant["title"], &variant["price"], &variant["product"]["id"]),
        (&json!("Default Title"), &json!("0.00"), &made["id"])
    );
    let twin =
        ask(&api, create, json!({"p":{"title":"Lue, grå"}}))["productCreate"]["product"]["handle"]
            .clone();
    assert_eq!(twin, "lue-gra-1");
    assert_eq!(
        ask(&api, create, json!({"p":{"title":" "}}))["productCreate"]["userErrors"],
        json!([{"field":["title"],"message":"Title can't be blank"}])
    );
    let set = "mutation($id: ID!, $v: [ProductVariantsBulkInput!]!) { productVariantsBulkUpdate(productId: $id, variants: $v) { product { updatedAt } productVariants { price sku inventoryItem { sku } } userErrors { field message code } } }";
    let done = ask(&api, set, json!({"id":made["id"],"v":[{"id":variant["id"],"price":"249.5","inventoryItem":{"sku":"NO-1"}}]}))["productVariantsBulkUpdate"].clone();
    assert_eq!(
        done["productVariants"],
        json!([{"price":"249.50","sku":"NO-1","inventoryItem":{"sku":"NO-1"}}])
    );
    let none = ask(
        &api,
        set,
        json!({"id":made["id"],"v":[{"id":"gid://shopify/ProductVariant/1"}]}),
    )["productVariantsBulkUpdate"]["userErrors"]
        .clone();
    assert_eq!(
        none,
        json!([{"field":["variants","0","id"],"message":"Product variant does not exist","code":null}])
    );
    let by = ask(
        &api,
        "{ products(first: 3, query: \"sku:NO-1\") { nodes { title description totalInventory } } productVariants(first: 3, query: \"sku:'NO-1'\") { nodes { displayName } } }",
        Value::Null,
    );
    assert_eq!(
        by["products"]["nodes"],
        json!([{"title":"Lue, grå","description":"Strikket.","totalInventory":0}])
    );
    assert_eq!(by["productVariants"]["nodes"][0]["displayName"], "Lue, grå - Default Title");
    let nodes = ask(
        &api,
        "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Product { title } ...V } } fragment V on ProductVariant { sku }",
        json!({"ids":[made["id"],variant["id"],"gid://shopify/Product/1"]}),
    );
    assert_eq!(nodes["nodes"][0]["title"], "Lue, grå");
    assert_eq!((&nodes["nodes"][1]["sku"], &nodes["nodes"][2]), (&json!("NO-1"), &Value::Null));
    let update = "mutation($p: ProductUpdateInput) { productUpdate(product: $p) { product { title status } userErrors { field } } }";
    assert_eq!(
        ask(&api, update, json!({"p":{"id":made["id"],"status":"ARCHIVED"}}))["productUpdate"]["product"],
        json!({"title":"Lue, grå","status":"ARCHIVED"})
    );
    let delete = "mutation($input: ProductDeleteInput!) { productDelete(input: $input) { deletedProductId userErrors { message } } }";
    assert_eq!(
        ask(&api, delete, json!({"input":{"id":made["id"]}}))["productDelete"]["deletedProductId"],
        made["id"]
    );
    assert_eq!(
        sandbox.records(SYSTEM, "productVariants").unwrap().len(),
        1,
        "its variants go along"
    );
    let count = sandbox.writes()[SYSTEM]["products"];
    assert_eq!((count.create, count.update, count.delete), (2, 1, 1));
}

#[test]
fn drafts_become_orders() {
    let sandbox = filled(SYSTEM);
    let api = shop(&sandbox);
    let buyer = sandbox.records(SYSTEM, "customers").unwrap()[1].clone();
    let variant = sandbox.records(SYSTEM, "productVariants").unwrap()[0].clone();
    let create = "mutation($input: DraftOrderInput!) { draftOrderCreate(input: $input) { draftOrder { id name status email customer { id } totalPriceSet { shopMoney { amount currencyCode } } lineItems(first: 9) { nodes { title quantity sku custom variant { id } originalUnitPriceSet { shopMoney { amount } } } } } userErrors { field message } } }";
    let input = json!({"purchasingEntity":{"customerId":buyer["id"]},"note":"Haster","lineItems":[{"variantId":variant["id"],"quantity":2},{"title":"Frakt","originalUnitPriceWithCurrency":{"amount":"79.50","currencyCode":"NOK"},"quantity":1}]});
    let draft = ask(&api, create, json!({"input":input}))["draftOrderCreate"]["draftOrder"].clone();
    assert_eq!(
        (&draft["status"], &draft["customer"]["id"], &draft["email"]),
        (&json!("OPEN"), &buyer["id"], &buyer["email"])
    );
    let lines = &draft["lineItems"]["nodes"];
    assert_eq!(
        (&lines[0]["variant"]["id"], &lines[0]["sku"], &lines[0]["custom"]),
        (&variant["id"], &variant["sku"], &json!(false))
    );
    assert_eq!(
        (&lines[1]["custom"], &lines[1]["originalUnitPriceSet"]["shopMoney"]["amount"]),
        (&json!(true), &json!("79.5"))
    );
    let sum = 2.0 * variant["price"].as_str().unwrap().parse::<f64>().unwrap() + 79.5;
    assert_eq!(
        draft["totalPriceSet"]["shopMoney"]["amount"].as_str().unwrap().parse::<f64>().unwrap(),
        sum
    );
    assert_eq!(
        ask(&api, create, json!({"input":{}}))["draftOrderCreate"]["userErrors"][0]["message"],
        "Add at least 1 product"
    );
    let update = "mutation($id: ID!, $input: DraftOrderInput!) { draftOrderUpdate(id: $id, input: $input) { draftOrder { note2 poNumber } userErrors { message } } }";
    assert_eq!(
        ask(&api, update, json!({"id":draft["id"],"input":{"poNumber":"A-7"}}))["draftOrderUpdate"]
            ["draftOrder"],
        json!({"note2":"Haster","poNumber":"A-7"})
    );
    let complete = "mutation($id: ID!) { draftOrderComplete(id: $id) { draftOrder { status order { id name note poNumber displayFinancialStatus customer { id } lineItems(first: 5) { nodes { title } } } } userErrors { message } } }";
    let done =
        ask(&api, complete, json!({"id":draft["id"]}))["draftOrderComplete"]["draftOrder"].clone();
    assert_eq!(
        (&done["status"], &done["order"]["displayFinancialStatus"], &done["order"]["poNumber"]),
        (&json!("COMPLETED"), &json!("PAID"), &json!("A-7"))
    );
    assert_eq!(done["order"]["lineItems"]["nodes"].as_array().unwrap().len(), 2);
    assert!(
        !ask(&api, complete, json!({"id":draft["id"]}))["draftOrderComplete"]["userErrors"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let order = "mutation($input: OrderInput!) { orderUpdate(input: $input) { order { note tags } userErrors { message } } }";
    assert_eq!(
        ask(&api, order, json!({"input":{"id":done["order"]["id"],"tags":["haster"]}}))["orderUpdate"]
            ["order"]["tags"],
        json!(["haster"])
    );
    let of = ask(
        &api,
        "query($id: ID!) { customer(id: $id) { numberOfOrders canDelete orders(first: 9) { nodes { name } } } }",
        json!({"id":buyer["id"]}),
    );
    assert_eq!(
        (&of["customer"]["canDelete"], &of["customer"]["orders"]["nodes"][0]["name"]),
        (&json!(false), &done["order"]["name"])
    );
    let delete = "mutation($input: CustomerDeleteInput!) { customerDelete(input: $input) { deletedCustomerId userErrors { field message } } }";
    let kept = ask(&api, delete, json!({"input":{"id":buyer["id"]}}))["customerDelete"].clone();
    assert!(kept["userErrors"][0]["message"].as_str().unwrap().contains("associated orders"));
    let q = format!("customer_id:{}", buyer["id"].as_str().unwrap().rsplit('/').next().unwrap());
    let found = ask(
        &api,
        "query($q: String) { orders(first: 9, query: $q) { nodes { id } } }",
        json!({"q":q}),
    );
    assert_eq!(found["orders"]["nodes"], json!([{"id":done["order"]["id"]}]));
}

#[test]
fn requests_cost_points_that_come_back() {
    let options = Options { systems: vec![SYSTEM.to_owned()], rate_scale: 1.0, ..Options::empty() };
    let sandbox = Sandbox::start(options).unwrap();
    let api = shop(&sandbox);
    let cost = |body: &Value| body["extensions"]["cost"].clone();
    let one = cost(&sent(&api, "{ shop { id } }", Value::Null).expect(200));
    assert_eq!((&one["requestedQueryCost"], &one["actualQueryCost"]), (&json!(1), &json!(1)));
    assert_eq!(
        (&one["throttleStatus"]["maximumAvailable"], &one["throttleStatus"]["restoreRate"]),
        (&json!(2000.0), &json!(100.0))
    );
    let long = "{ customers(first: 250) { nodes { id defaultAddress { city } } } }";
    let list = cost(&sent(&api, long, Value::Null).expect(200));
    assert_eq!(
        (&list["requestedQueryCost"], &list["actualQueryCost"]),
        (&json!(502), &json!(2)),
        "what was not there costs nothing"
    );
    let dear = refused(
        &api,
        "{ customers(first: 250) { nodes { id orders(first: 50) { nodes { id } } } } }",
        Value::Null,
    );
    assert_eq!(dear["extensions"]["code"], "MAX_COST_EXCEEDED");
    // A hundred and ninety-nine mutations in a request, of ten points each, and nothing is left.
    let fields: Vec<String> = (0..90).map(|n| format!("m{n}: productDelete(input: {{id: \"gid://shopify/Product/{n}\"}}) {{ deletedProductId }}")).collect();
    let many = format!("mutation {{ {} }}", fields.join(" "));
    let bodies: Vec<Value> = (0..3).map(|_| sent(&api, &many, Value::Null).expect(200)).collect();
    let refused = &bodies[2];
    assert_eq!(refused["errors"][0]["message"], "Throttled");
    assert_eq!(
        (&refused["errors"][0]["extensions"]["code"], &cost(refused)["actualQueryCost"]),
        (&json!("THROTTLED"), &Value::Null)
    );
    assert!(cost(refused)["throttleStatus"]["currentlyAvailable"].as_i64().unwrap() < 900);
    sandbox.set_clock_offset(SYSTEM, 10).unwrap();
    assert!(sent(&api, &many, Value::Null).expect(200).get("errors").is_none(), "points come back");
}

#[test]
fn lists_can_be_empty_by_mistake_and_look_ups_by_id_not() {
    let sandbox = filled(SYSTEM);
    let api = shop(&sandbox);
    let gid = sandbox.records(SYSTEM, "customers").unwrap()[0]["id"].clone();
    sandbox
        .set_faults(SYSTEM, Setting { seed: 0, rates: vec![Rate::new(FaultKind::EmptyList, 1000)] })
        .unwrap();
    assert_eq!(
        ask(&api, "{ customers(first: 5) { nodes { id } } }", Value::Null)["customers"]["nodes"],
        json!([])
    );
    assert_eq!(
        ask(&api, "query($id: ID!) { customer(id: $id) { id } }", json!({"id":gid}))["customer"]["id"],
        gid
    );
    assert_eq!(sandbox.struck(SYSTEM).unwrap()[&FaultKind::EmptyList], 1);
}

#[test]
fn what_people_change_is_told_and_signed() {
    let sandbox = only(SYSTEM);
    let api = shop(&sandbox);
    let called = Called::new(|_| String::new());
    let subscribe = "mutation($t: WebhookSubscriptionTopic!, $w: WebhookSubscriptionInput!) { webhookSubscriptionCreate(topic: $t, webhookSubscription: $w) { webhookSubscription { id topic uri format } userErrors { field message } } }";
    let wanted = json!({"t":"CUSTOMERS_UPDATE","w":{"uri":called.url,"format":"JSON"}});
    let hook =
        ask(&api, subscribe, wanted.clone())["webhookSubscriptionCreate"]["webhookSubscription"]
            .clone();
    assert_eq!((&hook["topic"], &hook["uri"]), (&json!("CUSTOMERS_UPDATE"), &json!(called.url)));
    assert_eq!(
        ask(&api, subscribe, wanted)["webhookSubscriptionCreate"]["userErrors"][0]["message"],
        "Address for this topic has already been taken"
    );
    let known = "query($u: String) { webhookSubscriptions(first: 5, uri: $u) { nodes { id topic uri } pageInfo { hasNextPage } } }";
    let nodes =
        |uri: &str| ask(&api, known, json!({"u":uri}))["webhookSubscriptions"]["nodes"].clone();
    assert_eq!(
        nodes(&called.url),
        json!([{"id":hook["id"],"topic":"CUSTOMERS_UPDATE","uri":called.url}])
    );
    assert_eq!(nodes("https://example.com/"), json!([]));
    let one = sandbox.put(SYSTEM, "customers", json!({"firstName":"Kari"})).unwrap();
    let number = one["id"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    sandbox.edit(SYSTEM, "customers", &number, &json!({"firstName":"Liv"})).unwrap();
    let heard = called.heard(1)[0].clone();
    assert_eq!(heard.header("x-shopify-topic"), Some("customers/update"));
    assert_eq!(
        (heard.json()["id"].to_string(), &heard.json()["first_name"]),
        (number.clone(), &json!("Liv"))
    );
    let key = ring::hmac::Key::new(
        ring::hmac::HMAC_SHA256,
        credential(SYSTEM, "SHOPIFY_CLIENT_SECRET").as_bytes(),
    );
    let tag = ring::hmac::sign(&key, heard.body.as_bytes());
    assert_eq!(
        heard.header("x-shopify-hmac-sha256"),
        Some(crate::support::base64(tag.as_ref()).as_str())
    );
    let drop = "mutation($id: ID!) { webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId userErrors { message } } }";
    assert_eq!(
        ask(&api, drop, json!({"id":hook["id"]}))["webhookSubscriptionDelete"]["deletedWebhookSubscriptionId"],
        hook["id"]
    );
    sandbox.call_at(SYSTEM, &called.url).unwrap();
    sandbox.remove(SYSTEM, "customers", &number).unwrap();
    let heard = called.heard(2);
    assert_eq!(
        (heard[1].header("x-shopify-topic"), heard[1].json()),
        (Some("customers/delete"), json!({"id":number.parse::<u64>().unwrap()}))
    );
}

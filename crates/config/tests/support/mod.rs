//! Project folders made of literals, and what is said of them as one text: the input above, the
//! messages below.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::path::PathBuf;

use lockstep_config::{Problem, Project, Schemas, check, load_with, render_all};
use lockstep_model::{PlainType, PropertySchema, TypeSchema};

/// A folder with these files, which nobody else may look into.
pub fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    for (name, text) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    dir
}

/// Reads and checks a folder of these files.
pub fn problems(files: &[(&str, &str)], schemas: &Schemas) -> (Option<Project>, Vec<Problem>) {
    let dir = folder(files);
    let (project, mut problems) = load_with(dir.path(), &|_| None);
    if let Some(project) = &project
        && !schemas.is_empty()
    {
        problems.extend(check(project, schemas));
    }
    (project, problems)
}

/// The files, and below them everything that is said of them.
pub fn told(files: &[(&str, &str)], schemas: &Schemas) -> String {
    let (_, problems) = problems(files, schemas);
    let mut text = String::new();
    for (name, content) in files.iter().filter(|(name, _)| *name != ".env") {
        text.push_str(&format!("# {name}\n{content}\n"));
    }
    text.push_str("───\n");
    text + &render_all(&problems)
}

/// The folder of the five documents beside the workspace, where it is there.
pub fn seeds() -> Option<Vec<(String, String)>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/seeds");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: there are no documents in {}", folder.display());
        return None;
    };
    let mut found: Vec<(String, String)> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "txt"))
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                std::fs::read_to_string(&path).unwrap(),
            )
        })
        .collect();
    found.sort();
    Some(found)
}

/// A record type in short: `name: type` and marks, one a line.
///
/// Marks: `[]` in a list, `=child` its value, `<path` derived from, `>Type` refers to, `!`
/// required, `ro` read-only, `once` written when a record is created only.
pub fn record_type(kind: &str, properties: &str) -> TypeSchema {
    let properties =
        properties.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| {
            let mut words = line.split_whitespace();
            let path = words.next().unwrap();
            let mut property = PropertySchema::new(path, PlainType::String);
            for word in words {
                match word {
                    "[]" => property.list = true,
                    "!" => property.required = true,
                    "ro" => property.read_only = true,
                    "once" => property.create_only = true,
                    _ if word.starts_with('=') => property.value = Some(word[1..].into()),
                    _ if word.starts_with('<') => property.derived_from = Some(word[1..].into()),
                    _ if word.starts_with('>') => property.reference = Some(word[1..].into()),
                    _ => {
                        property.ty = TYPES
                            .into_iter()
                            .find(|ty| ty.name() == word)
                            .unwrap_or_else(|| panic!("{word}"))
                    }
                }
            }
            property
        });
    TypeSchema { properties: properties.collect(), open: false, ..TypeSchema::open(kind) }
}

const TYPES: [PlainType; 10] = [
    PlainType::String,
    PlainType::Integer,
    PlainType::Float,
    PlainType::Decimal,
    PlainType::Boolean,
    PlainType::List,
    PlainType::Datetime,
    PlainType::Date,
    PlainType::Minutes,
    PlainType::Any,
];

/// What is known of the systems of the five documents, as far as the documents speak of it.
pub fn schemas() -> Schemas {
    let mut user =
        record_type("User", "personEmail\n contactId integer >Contact\n personId integer >Person");
    (user.can.create, user.can.update, user.can.delete) = (false, false, false);
    let superoffice = vec![
        record_type(
            "Person",
            "Firstname\n Lastname\n Emails [] =Value\n PrivatePhones [] =Value\n MobilePhones [] =Value
             Contact.ContactId integer >Contact\n Title\n Retired boolean\n PersonId integer ro",
        ),
        record_type("Contact", "Name\n OrgNr\n Category.Value\n Name2"),
        record_type(
            "Ticket",
            "Title\n OwnedBy.AssociateId integer >User\n Person.PersonId integer >Person\n TimeToReply minutes ro",
        ),
        user,
    ];
    let wix = vec![
        record_type(
            "Contacts",
            "info.name.first\n info.name.last\n info.emails [] =email\n info.phones [] =phone\n primaryInfo.email ro <info.emails
             primaryInfo.phone ro <info.phones",
        ),
        record_type("Members", "loginEmail\n contactId >Contacts"),
        record_type("Products", "name\n sku\n price decimal"),
    ];
    let poweroffice = vec![
        record_type("Employees", "FirstName !\n LastName !\n EmailAddress\n PhoneNumber"),
        record_type("Contactperson", "firstName\n lastName\n emailAddress\n partyId >Customers"),
        record_type("Customers", "FirstName\n LastName\n EmailAddress\n OrganizationNumber"),
    ];
    let crmoffice = vec![
        record_type(
            "Contacts",
            "givenName\n familyName\n directPhone\n email\n company.id >Companies",
        ),
        record_type("Companies", "name\n orgNumber"),
    ];
    let zendesk = vec![
        record_type(
            "Users",
            "name !\n email\n phone\n organization_id integer >Organizations\n external_id",
        ),
        record_type("Organizations", "name !"),
        record_type(
            "Tickets",
            "subject\n requester_id integer >Users\n assignee_id integer >Users\n due_at datetime\n organization_id integer >Organizations",
        ),
    ];
    let youtrack = vec![record_type("Users", "login\n name\n profile.email any =email")];
    [
        ("superoffice", superoffice),
        ("wix", wix),
        ("poweroffice-go", poweroffice),
        ("crmoffice", crmoffice),
        ("zendesk", zendesk),
        ("youtrack", youtrack),
    ]
    .map(|(name, types)| (name.to_string(), types))
    .into()
}

//! The objects that are emulated and their standard fields: a field's name, what it holds (a number
//! is text of so many characters; E address of mail, N number, I whole number, B flag, D date, M
//! time, A address in parts, `>Object` a reference), and whether it can be written (`+`), be given
//! to a new record only (`~`), or only be read.

use std::sync::LazyLock;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Id,
    Text(usize),
    Email,
    Number,
    Whole,
    Flag,
    Date,
    Moment,
    /// Made up of the fields that begin alike.
    Address,
    Reference(&'static str),
}

impl Kind {
    /// As the describe call names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Text(_) => "string",
            Self::Email => "email",
            Self::Number => "double",
            Self::Whole => "int",
            Self::Flag => "boolean",
            Self::Date => "date",
            Self::Moment => "datetime",
            Self::Address => "address",
            Self::Reference(_) => "reference",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub created: bool,
    pub updated: bool,
}

impl Field {
    /// What the related record is called: `Account` for `AccountId`.
    pub(super) fn relation(&self) -> Option<(&'static str, &'static str)> {
        match self.kind {
            Kind::Reference(object) => Some((self.name.strip_suffix("Id")?, object)),
            _ => None,
        }
    }
}

pub(super) struct Object {
    pub name: &'static str,
    /// The first characters of its ids.
    pub prefix: &'static str,
    pub required: &'static [&'static str],
    pub fields: Vec<Field>,
}

impl Object {
    /// Names are taken without regard to case.
    pub(super) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }
}

const SYSTEM: &str = "
IsDeleted:B CreatedDate:M CreatedById:>User LastModifiedDate:M LastModifiedById:>User
SystemModstamp:M LastViewedDate:M LastReferencedDate:M";

const ACCOUNT: &str = "
Name:255+ Type:255+ ParentId:>Account+ MasterRecordId:>Account BillingStreet:255+ BillingCity:40+
BillingState:80+ BillingPostalCode:20+ BillingCountry:80+ BillingLatitude:N+ BillingLongitude:N+
BillingGeocodeAccuracy:40+ BillingAddress:A ShippingStreet:255+ ShippingCity:40+ ShippingState:80+
ShippingPostalCode:20+ ShippingCountry:80+ ShippingLatitude:N+ ShippingLongitude:N+
ShippingGeocodeAccuracy:40+ ShippingAddress:A Phone:40+ Fax:40+ Website:255+ PhotoUrl:255
Industry:255+ AnnualRevenue:N+ NumberOfEmployees:I+ Description:32000+ OwnerId:>User+
LastActivityDate:D Jigsaw:20+ JigsawCompanyId:20 AccountSource:255+ SicDesc:80+";

const CONTACT: &str = "
AccountId:>Account+ LastName:80+ FirstName:40+ Salutation:40+ Name:121 MasterRecordId:>Contact
OtherStreet:255+ OtherCity:40+ OtherState:80+ OtherPostalCode:20+ OtherCountry:80+ OtherLatitude:N+
OtherLongitude:N+ OtherGeocodeAccuracy:40+ OtherAddress:A MailingStreet:255+ MailingCity:40+
MailingState:80+ MailingPostalCode:20+ MailingCountry:80+ MailingLatitude:N+ MailingLongitude:N+
MailingGeocodeAccuracy:40+ MailingAddress:A Phone:40+ Fax:40+ MobilePhone:40+ HomePhone:40+
OtherPhone:40+ AssistantPhone:40+ ReportsToId:>Contact+ Email:E+ Title:128+ Department:80+
AssistantName:40+ LeadSource:255+ Birthdate:D+ Description:32000+ OwnerId:>User+
HasOptedOutOfEmail:B+ HasOptedOutOfFax:B+ DoNotCall:B+ LastActivityDate:D LastCURequestDate:M
LastCUUpdateDate:M EmailBouncedReason:255+ EmailBouncedDate:M+ IsEmailBounced:B PhotoUrl:255
Jigsaw:20+ JigsawContactId:20";

const OPPORTUNITY: &str = "
AccountId:>Account+ Name:120+ Description:32000+ StageName:255+ Amount:N+ Probability:N+
CloseDate:D+ Type:255+ NextStep:255+ LeadSource:255+ IsClosed:B IsWon:B ForecastCategory:40
ForecastCategoryName:255+ HasOpportunityLineItem:B OwnerId:>User+ LastActivityDate:D
FiscalQuarter:I FiscalYear:I Fiscal:6 ContactId:>Contact~ HasOpenActivity:B HasOverdueTask:B";

const PRODUCT: &str = "
Name:255+ ProductCode:255+ Description:4000+ IsActive:B+ Family:255+ ExternalId:255+
DisplayUrl:1000+ QuantityUnitOfMeasure:255+ IsArchived:B StockKeepingUnit:180+";

const ORDER: &str = "
OwnerId:>User+ AccountId:>Account+ EffectiveDate:D+ EndDate:D+ IsReductionOrder:B~ Status:255+
Description:32000+ CustomerAuthorizedById:>Contact+ CompanyAuthorizedById:>User+ Type:255+
BillingStreet:255+ BillingCity:40+ BillingState:80+ BillingPostalCode:20+ BillingCountry:80+
BillingLatitude:N+ BillingLongitude:N+ BillingGeocodeAccuracy:40+ BillingAddress:A
ShippingStreet:255+ ShippingCity:40+ ShippingState:80+ ShippingPostalCode:20+ ShippingCountry:80+
ShippingLatitude:N+ ShippingLongitude:N+ ShippingGeocodeAccuracy:40+ ShippingAddress:A
ActivatedDate:M ActivatedById:>User StatusCode:255 OrderNumber:30 TotalAmount:N";

const USER: &str = "
Username:80+ LastName:80+ FirstName:40+ Name:121 CompanyName:80+ Division:80+ Department:80+
Title:80+ Street:255+ City:40+ State:80+ PostalCode:20+ Country:80+ Email:E+ Phone:40+ Fax:40+
MobilePhone:40+ Alias:8+ CommunityNickname:40+ IsActive:B+ TimeZoneSidKey:40+ LocaleSidKey:40+
EmailEncodingKey:40+ ProfileId:18+ UserType:40 LanguageLocaleKey:40+ EmployeeNumber:20+
ManagerId:>User+ LastLoginDate:M";

const LEAD: &str = "
LastName:80+ FirstName:40+ Salutation:40+ Name:121 MasterRecordId:>Lead Title:128+ Company:255+
Street:255+ City:40+ State:80+ PostalCode:20+ Country:80+ Phone:40+ MobilePhone:40+ Email:E+
Website:255+ Description:32000+ LeadSource:255+ Status:255+ Industry:255+ Rating:255+
AnnualRevenue:N+ NumberOfEmployees:I+ OwnerId:>User+ IsConverted:B ConvertedDate:D
ConvertedAccountId:>Account ConvertedContactId:>Contact IsUnreadByOwner:B LastActivityDate:D";

const ORGANIZATION: &str = "Name:80 Country:80 OrganizationType:40 IsSandbox:B";

fn parse(text: &'static str) -> impl Iterator<Item = Field> {
    text.split_whitespace().filter_map(|token| {
        let (name, how) = token.split_once(':')?;
        let kind = how.trim_end_matches(['+', '~']);
        let kind = match kind {
            "E" => Kind::Email,
            "N" => Kind::Number,
            "I" => Kind::Whole,
            "B" => Kind::Flag,
            "D" => Kind::Date,
            "M" => Kind::Moment,
            "A" => Kind::Address,
            _ => match kind.strip_prefix('>') {
                Some(object) => Kind::Reference(object),
                None => Kind::Text(kind.parse().ok()?),
            },
        };
        let (created, updated) = (how.ends_with(['+', '~']), how.ends_with('+'));
        Some(Field { name, kind, created, updated })
    })
}

fn object(
    name: &'static str,
    prefix: &'static str,
    required: &'static [&'static str],
    text: &'static str,
) -> Object {
    let id = Field { name: "Id", kind: Kind::Id, created: false, updated: false };
    let fields = [id].into_iter().chain(parse(text)).chain(parse(SYSTEM));
    // A user is switched off, not deleted.
    let stays = matches!(name, "User" | "Organization");
    let fields = fields.filter(|field| !stays || field.name != "IsDeleted").collect();
    Object { name, prefix, required, fields }
}

pub(super) static OBJECTS: LazyLock<Vec<Object>> = LazyLock::new(|| {
    vec![
        object("Account", "001", &["Name"], ACCOUNT),
        object("Contact", "003", &["LastName"], CONTACT),
        object("Opportunity", "006", &["Name", "StageName", "CloseDate"], OPPORTUNITY),
        object("Product2", "01t", &["Name"], PRODUCT),
        object("Order", "801", &["AccountId", "EffectiveDate", "Status"], ORDER),
        object("User", "005", &["Username", "LastName", "Email", "Alias"], USER),
        object("Lead", "00Q", &["LastName", "Company"], LEAD),
        object("Organization", "00D", &[], ORGANIZATION),
    ]
});

pub(super) const NAMES: &[&str] =
    &["Account", "Contact", "Opportunity", "Product2", "Order", "User", "Lead", "Organization"];

pub(super) fn place(name: &str) -> Option<usize> {
    OBJECTS.iter().position(|object| object.name.eq_ignore_ascii_case(name))
}

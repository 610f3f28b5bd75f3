//! The resources that are emulated and their properties, from the vendor's reference pages: a
//! property's name, its type (G: GUID, S: text, I: whole number, D: number, B: flag, T: time), and
//! whether it can be written (`+`), be given to a new record only (`~`), or only be read.

use crate::util::shape::{Access, Kind, LONG, Property, find, fixed};
use std::sync::LazyLock;

/// `crm/Accounts`.
const ACCOUNTS: &str = "
ID:G~ Accountant:G+ AccountManager:G+ AccountManagerFullName:S AccountManagerHID:I
ActivitySector:G+ ActivitySubSector:G+ AddressLine1:S+ AddressLine2:S+ AddressLine3:S+
Blocked:B+ BRIN:G BSN:S+ BusinessType:G+ CanDropShip:B+ ChamberOfCommerce:S+ City:S+
Classification:S Classification1:G+ Classification2:G+ Classification3:G+ Classification4:G+
Classification5:G+ Classification6:G+ Classification7:G+ Classification8:G+
ClassificationDescription:S Code:S+ CodeAtSupplier:S+ CompanySize:G+ ConsolidationScenario:I+
ControlledDate:T+ Costcenter:S CostcenterDescription:S CostPaid:I Country:S+ CountryName:S
Created:T Creator:G CreatorFullName:S CreditLinePurchase:D+ CreditLineSales:D+ Currency:S
CustomerSince:T CustomField:S DatevCreditorCode:S+ DatevDebtorCode:S+ DeliveryAdvice:I+
DiscountPurchase:D+ DiscountSales:D+ Division:I Document:G DunsNumber:S Email:S+ EndDate:T+
EORINumber:S+ EstablishedDate:T+ Fax:S+ GLAccountPurchase:G+ GLAccountSales:G+ GLAP:G+ GLAR:G+
GlnNumber:S+ HasWithholdingTaxSales:B+ IgnoreDatevWarningMessage:B+ IncotermAddressPurchase:S+
IncotermAddressSales:S+ IncotermCodePurchase:S+ IncotermCodeSales:S+ IncotermVersionPurchase:I+
IncotermVersionSales:I+ IntraStatArea:S+ IntraStatDeliveryTerm:S+ IntraStatSystem:S+
IntraStatTransactionA:S+ IntraStatTransactionB:S+ IntraStatTransportMethod:S+ InvoiceAccount:G+
InvoiceAccountCode:S InvoiceAccountName:S InvoiceAttachmentType:I+ InvoicingMethod:I+
IsAccountant:I+ IsAgency:I+ IsAnonymised:I IsBank:B IsCompetitor:I+ IsExtraDuty:B+ IsMailing:I+
IsMember:B IsPilot:B+ IsPurchase:B IsReseller:B+ IsSales:B IsSupplier:B+ Language:S+
LanguageDescription:S Latitude:D+ LeadPurpose:G+ LeadSource:G+ Logo:S+ LogoFileName:S+
LogoThumbnailUrl:S LogoUrl:S Longitude:D+ MainContact:G+ Modified:T Modifier:G
ModifierFullName:S Name:S+ OINNumber:S+ Parent:G+ PayAsYouEarn:S+ PaymentConditionPurchase:S+
PaymentConditionPurchaseDescription:S PaymentConditionSales:S+
PaymentConditionSalesDescription:S Phone:S+ PhoneExtension:S+ Postcode:S+ PriceList:G+
PurchaseCurrency:S+ PurchaseCurrencyDescription:S PurchaseLeadDays:I+ PurchaseVATCode:S+
PurchaseVATCodeDescription:S RecepientOfCommissions:B+ Remarks:S+ Reseller:G+ ResellerCode:S
ResellerName:S RSIN:S+ SalesCurrency:S+ SalesCurrencyDescription:S SalesTaxSchedule:G+
SalesTaxScheduleCode:S SalesTaxScheduleDescription:S SalesVATCode:S+ SalesVATCodeDescription:S
SearchCode:S+ SecurityLevel:I+ SeparateInvPerProject:I+ SeparateInvPerSubscription:I+
ShippingLeadDays:I+ ShippingMethod:G+ ShowRemarkForSales:B+ StartDate:T+ State:S+ StateName:S
Status:S+ StatusSince:T TradeName:S+ Type:S UniqueTaxpayerReference:S+ VATLiability:S+
VATNumber:S+ Website:S+";

/// `crm/Contacts`.
const CONTACTS: &str = "
ID:G~ Account:G~ AccountIsCustomer:B AccountIsSupplier:B AccountMainContact:G AccountName:S
AddressLine2:S AddressStreet:S AddressStreetNumber:S AddressStreetNumberSuffix:S AllowMailing:I
BirthDate:T+ BirthName:S+ BirthNamePrefix:S+ BirthPlace:S+ BusinessEmail:S+ BusinessFax:S+
BusinessMobile:S+ BusinessPhone:S+ BusinessPhoneExtension:S+ City:S Code:S Country:S Created:T
Creator:G CreatorFullName:S CustomField:S Division:I Email:S+ EndDate:T+ FirstName:S+ FullName:S
Gender:S+ HID:I+ IdentificationDate:T+ IdentificationDocument:G+ IdentificationUser:G+
Initials:S+ IsAnonymised:I IsMailingExcluded:B+ IsMainContact:B JobTitleDescription:S+
Language:S+ LastName:S+ LeadPurpose:G+ LeadSource:G+ MarketingNotes:S+ MiddleName:S+ Mobile:S+
Modified:T Modifier:G ModifierFullName:S Nationality:S+ Notes:S+ PartnerName:S
PartnerNamePrefix:S Person:G+ Phone:S+ PhoneExtension:S Picture:S+ PictureName:S+
PictureThumbnailUrl:S PictureUrl:S Postcode:S SocialSecurityNumber:S+ StartDate:T+ State:S
Title:S+";

/// `logistics/Items`.
const ITEMS: &str = "
ID:G~ AverageCost:D~ Barcode:S+ Class_01:S+ Class_02:S+ Class_03:S+ Class_04:S+ Class_05:S+
Class_06:S+ Class_07:S+ Class_08:S+ Class_09:S+ Class_10:S+ Code:S+ CopyRemarks:I+
CostPriceCurrency:S+ CostPriceNew:D+ CostPriceStandard:D~ Created:T Creator:G CreatorFullName:S
CustomField:S Description:S+ Division:I EndDate:T+ ExtraDescription:S+ FreeBoolField_01:B+
FreeBoolField_02:B+ FreeBoolField_03:B+ FreeBoolField_04:B+ FreeBoolField_05:B+
FreeDateField_01:T+ FreeDateField_02:T+ FreeDateField_03:T+ FreeDateField_04:T+
FreeDateField_05:T+ FreeNumberField_01:D+ FreeNumberField_02:D+ FreeNumberField_03:D+
FreeNumberField_04:D+ FreeNumberField_05:D+ FreeNumberField_06:D+ FreeNumberField_07:D+
FreeNumberField_08:D+ FreeTextField_01:S+ FreeTextField_02:S+ FreeTextField_03:S+
FreeTextField_04:S+ FreeTextField_05:S+ FreeTextField_06:S+ FreeTextField_07:S+
FreeTextField_08:S+ FreeTextField_09:S+ FreeTextField_10:S+ GLCosts:G+ GLCostsCode:S
GLCostsDescription:S GLRevenue:G+ GLRevenueCode:S GLRevenueDescription:S GLStock:G+
GLStockCode:S GLStockDescription:S GrossWeight:D+ IsBatchItem:I+ IsBatchNumberItem:I+
IsFractionAllowedItem:B+ IsMakeItem:I+ IsNewContract:I+ IsOnDemandItem:I+ IsPackageItem:B+
IsPurchaseItem:B+ IsRegistrationCodeItem:I+ IsSalesItem:B+ IsSerialItem:B+ IsSerialNumberItem:B+
IsStockItem:B+ IsSubcontractedItem:B+ IsTaxableItem:I+ IsTime:I+ IsWebshopItem:I+ ItemGroup:G+
ItemGroupCode:S ItemGroupDescription:S Modified:T Modifier:G ModifierFullName:S NetWeight:D+
NetWeightUnit:S+ Notes:S+ PictureName:S PictureThumbnailUrl:S PictureUrl:S SalesVatCode:S+
SalesVatCodeDescription:S SearchCode:S+ SecurityLevel:I+ StandardSalesPrice:D StartDate:T+
StatisticalCode:S StatisticalNetWeight:D StatisticalUnits:D StatisticalValue:D Stock:D Unit:S+
UnitDescription:S UnitType:S";

/// `salesorder/SalesOrders`.
const ORDERS: &str = "
OrderID:G~ AmountDC:D AmountDiscount:D+ AmountDiscountExclVat:D+ AmountFC:D AmountFCExclVat:D
ApprovalStatus:I ApprovalStatusDescription:S Approved:T Approver:G ApproverFullName:S Created:T
Creator:G CreatorFullName:S Currency:S+ DeliverTo:G~ DeliverToContactPerson:G+
DeliverToContactPersonFullName:S DeliverToName:S DeliveryAddress:G+ DeliveryDate:T+
DeliveryStatus:I DeliveryStatusDescription:S Description:S+ Discount:D+ Division:I Document:G+
DocumentNumber:I DocumentSubject:S IncotermAddress:S+ IncotermCode:S+ IncotermVersion:I+
InvoiceStatus:I InvoiceStatusDescription:S InvoiceTo:G~ InvoiceToContactPerson:G+
InvoiceToContactPersonFullName:S InvoiceToName:S Modified:T Modifier:G ModifierFullName:S
OrderDate:T+ OrderedBy:G~ OrderedByContactPerson:G+ OrderedByContactPersonFullName:S
OrderedByName:S OrderNumber:I+ PaymentCondition:S+ PaymentConditionDescription:S
PaymentReference:S+ Remarks:S+ SalesChannel:G+ SalesChannelCode:S SalesChannelDescription:S
Salesperson:G+ SalespersonFullName:S SelectionCode:G+ SelectionCodeCode:S
SelectionCodeDescription:S ShippingMethod:G+ ShippingMethodDescription:S Status:I
StatusDescription:S TaxSchedule:G+ TaxScheduleCode:S TaxScheduleDescription:S WarehouseCode:S
WarehouseDescription:S WarehouseID:G+ YourRef:S+";

/// `salesorder/SalesOrderLines`.
const ORDER_LINES: &str = "
ID:G~ AmountDC:D AmountFC:D+ CostCenter:S+ CostCenterDescription:S CostPriceFC:D CostUnit:S+
CostUnitDescription:S CustomerItemCode:S DeliveryDate:T+ DeliveryStatus:I Description:S+
Discount:D+ Division:I InvoiceStatus:I Item:G+ ItemCode:S ItemDescription:S ItemVersion:G+
ItemVersionDescription:S LineNumber:I Margin:D+ NetPrice:D+ Notes:S+ OrderID:G~ OrderNumber:I+
OrderStatus:I Pricelist:G+ PricelistDescription:S Project:G+ ProjectDescription:S
PurchaseOrder:G PurchaseOrderLine:G PurchaseOrderLineNumber:I PurchaseOrderNumber:I Quantity:D+
QuantityDelivered:D QuantityInvoiced:D ShopOrder:G+ TaxSchedule:G+ TaxScheduleCode:S
TaxScheduleDescription:S UnitCode:S+ UnitDescription:S UnitPrice:D+ UseDropShipment:I+
VATAmount:D+ VATCode:S+ VATCodeDescription:S VATPercentage:D+";

/// `salesinvoice/SalesInvoices`.
const INVOICES: &str = "
InvoiceID:G~ AmountDC:D AmountDiscount:D+ AmountDiscountExclVat:D+ AmountFC:D AmountFCExclVat:D
Created:T Creator:G CreatorFullName:S Currency:S+ DeliverTo:G~ DeliverToAddress:G+
DeliverToContactPerson:G+ DeliverToContactPersonFullName:S DeliverToName:S Description:S+
Discount:D+ DiscountType:I Division:I Document:G+ DocumentNumber:I DocumentSubject:S DueDate:T+
ExtraDutyAmountFC:D+ GAccountAmountFC:D+ IncotermAddress:S+ IncotermCode:S+ IncotermVersion:I+
InvoiceDate:T InvoiceNumber:I InvoiceTo:G~ InvoiceToContactPerson:G+
InvoiceToContactPersonFullName:S InvoiceToName:S IsExtraDuty:B+ Journal:S~ JournalDescription:S
Modified:T Modifier:G ModifierFullName:S OrderDate:T+ OrderedBy:G~ OrderedByContactPerson:G+
OrderedByContactPersonFullName:S OrderedByName:S OrderNumber:I+ PaymentCondition:S+
PaymentConditionDescription:S PaymentReference:S+ Remarks:S+ SalesChannel:G+ SalesChannelCode:S
SalesChannelDescription:S Salesperson:G+ SalespersonFullName:S SelectionCode:G+
SelectionCodeCode:S SelectionCodeDescription:S StarterSalesInvoiceStatus:I
StarterSalesInvoiceStatusDescription:S Status:I StatusDescription:S TaxSchedule:G+
TaxScheduleCode:S TaxScheduleDescription:S Type:I+ TypeDescription:S VATAmountDC:D VATAmountFC:D
Warehouse:G+ WithholdingTaxAmountFC:D+ WithholdingTaxBaseAmount:D+ WithholdingTaxPercentage:D+
YourRef:S+";

/// `salesinvoice/SalesInvoiceLines`.
const INVOICE_LINES: &str = "
ID:G~ AmountDC:D AmountFC:D+ CostCenter:S+ CostCenterDescription:S CostUnit:S+
CostUnitDescription:S CustomerItemCode:S DeliveryDate:T+ Description:S+ Discount:D+ Division:I
Employee:G+ EmployeeFullName:S EndTime:T+ ExtraDutyAmountFC:D+ ExtraDutyPercentage:D+
GLAccount:G~ GLAccountDescription:S InvoiceID:G~ Item:G+ ItemCode:S ItemDescription:S
LineNumber:I NetPrice:D+ Notes:S+ Pricelist:G+ PricelistDescription:S Project:G+
ProjectDescription:S ProjectWBS:G+ ProjectWBSDescription:S Quantity:D+ SalesOrder:G
SalesOrderLine:G SalesOrderLineNumber:I SalesOrderNumber:I StartTime:T+ Subscription:G
SubscriptionDescription:S TaxSchedule:G+ TaxScheduleCode:S TaxScheduleDescription:S UnitCode:S+
UnitDescription:S UnitPrice:D+ VATAmountDC:D+ VATAmountFC:D+ VATCode:S+ VATCodeDescription:S
VATPercentage:D+";

/// `system/Users`.
const USERS: &str = "
UserID:G+ AuthenticationType:I+ BirthDate:T+ Created:T Creator:G CreatorFullName:S Customer:G+
CustomerName:S Email:S+ EndDate:T+ FirstName:S+ FullName:S+ Gender:S+
HasRegisteredForTwoStepVerification:B HasTwoStepVerification:B Initials:S+ IsAnonymised:B
IsAPICall:B+ Language:S+ LastLogin:T LastName:S+ MiddleName:S+ Mobile:S+ Modified:T Modifier:G
ModifierFullName:S Nationality:S+ Notes:S+ Phone:S+ PhoneExtension:S+ ProfileCode:S+
StartDate:T+ Title:S+ UserDivisionList:S+ UserName:S+ UserTypeCode:S+";

/// `current/Me`.
const ME: &str = "
UserID:G+ AccountingDivision:I+ CurrentDivision:I+ CustomerCode:S+ DivisionCustomer:G+
DivisionCustomerCode:S+ DivisionCustomerName:S+ DivisionCustomerSiretNumber:S+
DivisionCustomerVatNumber:S+ DossierDivision:I+ Email:S+ EmployeeID:G+ FirstName:S+ FullName:S+
Gender:S+ Initials:S+ IsClientUser:B+ IsMyFirmLiteUser:B+ IsMyFirmPortalUser:B+ Language:S+
LanguageCode:S+ LastName:S+ Legislation:I+ MiddleName:S+ Mobile:S+ Nationality:S+ Phone:S+
PhoneExtension:S+ PictureUrl:S+ ServerTime:S+ ServerUtcOffset:D+ ThumbnailPicture:S+
ThumbnailPictureFormat:S+ Title:S+ UserName:S+";

/// `sync/Deleted`.
const DELETED: &str = "
Timestamp:I+ DeletedBy:G+ DeletedDate:T+ Division:I EntityKey:G+ EntityType:I+ ID:G~";

/// A resource.
pub(super) struct Resource {
    /// Behind the division.
    pub path: &'static str,
    /// Its name, which is the sandbox's collection, too.
    pub name: &'static str,
    /// The type, after `Exact.Web.Api.Models.`.
    pub model: &'static str,
    pub key: &'static str,
    pub properties: Vec<Property>,
    /// Its lines, and what names it in them.
    pub lines: Option<(&'static str, &'static str)>,
    /// `sync/…`, and the number of the type among deleted records.
    pub sync: Option<(&'static str, i64)>,
    /// The topic of webhooks.
    pub topic: Option<&'static str>,
}

fn parse(text: &'static str) -> Vec<Property> {
    text.split_whitespace()
        .filter_map(|token| {
            let (name, how) = token.split_once(':')?;
            let kind = match how.chars().next()? {
                'G' => Kind::Guid,
                'I' => Kind::Integer,
                'D' => Kind::Decimal,
                'B' => Kind::Bool,
                'T' => Kind::Moment,
                _ => LONG,
            };
            let access = match how.get(1..) {
                Some("+") => Access::Open,
                Some("~") => Access::Once,
                _ => Access::Fixed,
            };
            Some(Property { name, kind, access })
        })
        .collect()
}

fn resource(
    path: &'static str,
    model: &'static str,
    key: &'static str,
    text: &'static str,
) -> Resource {
    let name = path.rsplit('/').next().unwrap_or(path);
    Resource {
        path,
        name,
        model,
        key,
        properties: parse(text),
        lines: None,
        sync: None,
        topic: None,
    }
}

pub(super) static RESOURCES: LazyLock<Vec<Resource>> = LazyLock::new(|| {
    vec![
        Resource {
            sync: Some(("CRM/Accounts", 2)),
            topic: Some("Accounts"),
            ..resource("crm/Accounts", "Account", "ID", ACCOUNTS)
        },
        Resource {
            sync: Some(("CRM/Contacts", 5)),
            topic: Some("Contacts"),
            ..resource("crm/Contacts", "Contact", "ID", CONTACTS)
        },
        Resource {
            sync: Some(("Logistics/Items", 9)),
            topic: Some("Items"),
            ..resource("logistics/Items", "Item", "ID", ITEMS)
        },
        Resource {
            lines: Some(("SalesOrderLines", "OrderID")),
            sync: Some(("SalesOrder/SalesOrders", 12)),
            topic: Some("SalesOrders"),
            ..resource("salesorder/SalesOrders", "SalesOrder", "OrderID", ORDERS)
        },
        Resource {
            lines: Some(("SalesInvoiceLines", "InvoiceID")),
            sync: Some(("SalesInvoice/SalesInvoices", 13)),
            topic: Some("SalesInvoices"),
            ..resource("salesinvoice/SalesInvoices", "SalesInvoice", "InvoiceID", INVOICES)
        },
        resource("system/Users", "User", "UserID", USERS),
        resource("salesorder/SalesOrderLines", "SalesOrderLine", "ID", ORDER_LINES),
        resource("salesinvoice/SalesInvoiceLines", "SalesInvoiceLine", "ID", INVOICE_LINES),
    ]
});

/// What `sync` has of a resource: of orders and invoices, each line together with its head.
pub(super) fn synced(at: usize) -> &'static [Property] {
    static ALL: LazyLock<Vec<Vec<Property>>> = LazyLock::new(|| {
        let without = |name: &str| {
            ["IsBatchNumberItem", "IsSerialNumberItem", "StandardSalesPrice"].contains(&name)
        };
        let of = |resource: &Resource| -> Vec<Property> {
            let mut own = resource.properties.clone();
            if resource.name == "Items" {
                own.retain(|property| !without(property.name));
            }
            let lines = resource.lines.and_then(|(lines, _)| place(lines));
            for property in lines.map(|lines| &RESOURCES[lines].properties).into_iter().flatten() {
                if find(&own, property.name).is_none() && property.name != "OrderStatus" {
                    own.push(*property);
                }
            }
            match resource.name {
                "SalesOrders" => {
                    own.extend(parse("ProjectCode:S ShippingMethodCode:S ShopOrderNumber:I"))
                }
                "SalesInvoices" => {
                    own.retain(|property| !property.name.starts_with("SelectionCode"))
                }
                _ => {}
            }
            own.push(fixed("Timestamp", Kind::Integer));
            own
        };
        RESOURCES.iter().map(of).collect()
    });
    &ALL[at]
}

/// The properties of the user who asks, and of deleted records.
pub(super) static WHO: LazyLock<Vec<Property>> = LazyLock::new(|| parse(ME));
pub(super) static GONE: LazyLock<Vec<Property>> = LazyLock::new(|| parse(DELETED));

pub(super) const NAMES: &[&str] = &[
    "Accounts",
    "Contacts",
    "Items",
    "SalesOrders",
    "SalesInvoices",
    "Users",
    "SalesOrderLines",
    "SalesInvoiceLines",
];

pub(super) fn place(name: &str) -> Option<usize> {
    RESOURCES.iter().position(|resource| resource.name == name)
}

//! The canonical model: what orders, shipments, invoices, inventories and acknowledgements say, without X12.
//!
//! It knows neither X12 nor anything else of this program. Codes are canonical words (`ship_to`) where a table of
//! a map knows them, and the partner's own codes otherwise. Amounts and quantities are exact decimals, written as
//! texts with their scale kept (`"1.50"`); dates are ISO 8601; absent values and empty lists are left out.

mod acknowledgement;
mod inventory;
mod invoice;
mod item;
mod json;
mod moment;
mod money;
mod note;
mod noun;
mod order;
mod party;
mod schema;
mod shipment;
mod transport;
mod unmapped;
mod xml;

pub use acknowledgement::*;
pub use inventory::*;
pub use invoice::*;
pub use item::*;
pub use json::JsonError;
pub use moment::*;
pub use money::*;
pub use note::*;
pub use order::*;
pub use party::*;
pub use schema::schema;
pub use shipment::*;
pub use transport::*;
pub use unmapped::*;
pub use xml::{XmlError, read_xml, write_xml};

pub(crate) use noun::{Noun, Value, Visitor};

use serde::{Deserialize, Serialize};

/// Any canonical document. In JSON the field `document` tells which.
///
/// ```
/// use crossdock::canonical::Document;
/// let document: Document = serde_json::from_str(r#"{"document":"order","number":"PO-1"}"#).unwrap();
/// assert_eq!(document.kind(), "order");
/// assert_eq!(document.number(), "PO-1");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "document", rename_all = "snake_case")]
pub enum Document {
    /// A purchase order (X12 850).
    Order(Box<Order>),
    /// A change of a purchase order, or its cancellation (X12 860): an order that says what changes.
    OrderChange(Box<Order>),
    /// A ship notice (X12 856).
    Shipment(Box<Shipment>),
    /// An invoice (X12 810).
    Invoice(Box<Invoice>),
    /// A report of an inventory (X12 846).
    Inventory(Box<Inventory>),
    /// A functional acknowledgement (X12 997, 999).
    Acknowledgement(Box<Acknowledgement>),
}

impl Document {
    /// Names of all kinds of document, as `document` has them.
    pub const KINDS: [&'static str; 6] =
        ["order", "order_change", "shipment", "invoice", "inventory", "acknowledgement"];

    /// Reads one from JSON.
    ///
    /// ```
    /// use crossdock::canonical::Document;
    /// let json = r#"{"document":"order","number":"PO-1","lines":[{"quantity":"1,5"}]}"#;
    /// let error = Document::from_json(json.as_bytes()).unwrap_err();
    /// assert!(error.to_string().starts_with("lines[0].quantity: "));
    /// ```
    ///
    /// # Errors
    /// What is wrong, with the path of the field that it is wrong in.
    pub fn from_json(json: &[u8]) -> Result<Self, JsonError> {
        serde_json::from_slice(json).map_err(|error| JsonError::of(json, &error))
    }

    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Order(_) => "order",
            Self::OrderChange(_) => "order_change",
            Self::Shipment(_) => "shipment",
            Self::Invoice(_) => "invoice",
            Self::Inventory(_) => "inventory",
            Self::Acknowledgement(_) => "acknowledgement",
        }
    }

    /// The number by which people know it; of a change, that of the order; of an acknowledgement, the number of the group
    /// that it answers.
    #[must_use]
    pub fn number(&self) -> &str {
        match self {
            Self::Order(order) | Self::OrderChange(order) => &order.number,
            Self::Shipment(shipment) => &shipment.number,
            Self::Invoice(invoice) => &invoice.number,
            Self::Inventory(inventory) => &inventory.number,
            Self::Acknowledgement(acknowledgement) => &acknowledgement.group_number,
        }
    }

    /// Gives the document to a visitor, as the object that it is.
    pub(crate) fn visit<V: Visitor>(&self, to: &mut V) {
        match self {
            Self::Order(order) | Self::OrderChange(order) => to.object(0, order),
            Self::Shipment(shipment) => to.object(0, shipment),
            Self::Invoice(invoice) => to.object(0, invoice),
            Self::Inventory(inventory) => to.object(0, inventory),
            Self::Acknowledgement(acknowledgement) => to.object(0, acknowledgement),
        }
    }
}

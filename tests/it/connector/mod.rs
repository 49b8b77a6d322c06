//! Connectors: documents handed over through real calls to a server on loopback, and fetched from it.

mod auth;
mod command;
mod cutover;
mod delivery;
mod files;
#[cfg(feature = "api")]
mod hooks;
mod lab;
mod mishaps;
mod mistakes;
mod polling;
pub mod server;
#[cfg(feature = "as2")]
mod tls;
pub mod trials;
mod tryton;
#[cfg(feature = "sftp")]
mod whole;

/// A program that makes an invoice of a record; one that is a draft yet is none.
const INVOICE: &str = r#"
def invoice: if .draft then empty else {
  document: "invoice",
  date: "2026-11-20",
  number: .number,
  order: .order,
  order_date: ($orders[.order].date // error("the order \(.order) is not known")),
  lines: [{number: "1", quantity: "2", unit: "each", price: "1.50", items: [{kind: "vendor", value: "A-1"}]}],
  total: "3.00"
} end;
"#;

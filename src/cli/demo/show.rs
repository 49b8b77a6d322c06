//! What the demonstration prints.

use std::io::{self, Write};
use std::path::Path;

use rust_decimal::Decimal;

use crate::canonical::{Order, Party};
use crate::cli::Paint;

use super::PARTNER;

pub(super) fn opening(out: &mut dyn Write, paint: Paint, folder: &Path) -> io::Result<()> {
    let (strong, faint) = (paint.strong, paint.faint);
    writeln!(out, "{strong}Crossdock between a retailer and a warehouse{strong:#}")?;
    writeln!(
        out,
        "A gateway runs in this process. The retailer is made up; files, checks and numbers are real."
    )?;
    writeln!(out, "{faint}{}{faint:#}", folder.display())?;
    out.flush()
}

pub(super) fn step(out: &mut dyn Write, paint: Paint, number: u8, title: &str) -> io::Result<()> {
    let (strong, furniture) = (paint.strong, paint.furniture);
    writeln!(out, "\n{furniture}{number}{furniture:#}  {strong}{title}{strong:#}")?;
    out.flush()
}

/// X12, a segment a line, tags and envelope told apart by colour.
pub(super) fn x12(out: &mut dyn Write, paint: Paint, text: &str) -> io::Result<()> {
    writeln!(out)?;
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (tag, rest) = line.split_once('*').unwrap_or((line, ""));
        let envelope = matches!(tag, "ISA" | "GS" | "GE" | "IEA");
        let style = if envelope { paint.faint } else { paint.furniture };
        let body = if envelope { paint.faint } else { clap::builder::styling::Style::new() };
        writeln!(out, "    {style}{tag}{style:#}{body}*{rest}{body:#}")?;
    }
    out.flush()
}

/// An order as people read one.
pub(super) fn order(out: &mut dyn Write, paint: Paint, order: &Order) -> io::Result<()> {
    let (strong, faint) = (paint.strong, paint.faint);
    writeln!(out)?;
    let date = order.date.map(|date| date.to_string()).unwrap_or_default();
    writeln!(out, "    {strong}Purchase order {}{strong:#}  {date}", order.number)?;
    let ship = order.requested_ship.as_ref().or(order.requested_delivery.as_ref());
    if let Some(date) = ship.and_then(|moment| moment.date) {
        writeln!(out, "    {faint}wanted for{faint:#}  {date}")?;
    }
    if let Some(department) = &order.department {
        writeln!(out, "    {faint}department{faint:#}  {department}")?;
    }
    if let Some(party) = &order.ship_to {
        writeln!(out, "    {faint}ship to{faint:#}     {}", address(party))?;
    }
    writeln!(out)?;
    writeln!(
        out,
        "    {faint}{:>4}  {:<15} {:<26} {:>8} {:<6} {:>9} {:>10}{faint:#}",
        "line", "item", "description", "quantity", "unit", "price", "amount"
    )?;
    let mut total = Decimal::ZERO;
    for line in &order.lines {
        let item = line.items.first().and_then(|item| item.value.as_deref()).unwrap_or_default();
        let description = line.descriptions.iter().find_map(|d| d.text.as_deref());
        let (quantity, price) = (line.quantity.unwrap_or_default(), line.price.unwrap_or_default());
        let amount = quantity.checked_mul(price).unwrap_or_default();
        total = total.checked_add(amount).unwrap_or_default();
        writeln!(
            out,
            "    {:>4}  {item:<15} {:<26} {quantity:>8} {:<6} {price:>9} {amount:>10}",
            line.number.as_deref().unwrap_or_default(),
            description.unwrap_or_default(),
            line.unit.as_deref().unwrap_or_default(),
        )?;
    }
    writeln!(out, "    {strong}{total:>83}{strong:#}")?;
    out.flush()
}

fn address(party: &Party) -> String {
    let lines = [&party.name, &party.street, &party.city, &party.region, &party.postal_code];
    let lines: Vec<&str> = lines.into_iter().flatten().map(String::as_str).collect();
    lines.join(", ")
}

pub(super) fn path(out: &mut dyn Write, paint: Paint, path: &Path) -> io::Result<()> {
    let faint = paint.faint;
    writeln!(out, "\n    {faint}{}{faint:#}", path.display())?;
    out.flush()
}

pub(super) fn fate(
    out: &mut dyn Write,
    paint: Paint,
    kind: &str,
    number: &str,
    fate: &str,
) -> io::Result<()> {
    let good = paint.good;
    writeln!(out, "    {kind} {number}: {good}{fate}{good:#}")?;
    out.flush()
}

pub(super) fn farewell(out: &mut dyn Write, paint: Paint, folder: &Path) -> io::Result<()> {
    let (strong, faint) = (paint.strong, paint.faint);
    let shown = folder.display();
    writeln!(out, "\n{strong}All of it lies in {shown}{strong:#}")?;
    let places = [
        ("crossdock.toml".to_owned(), "the gateway's configuration"),
        (format!("partners/{PARTNER}/partner.toml"), "the agreement with the retailer"),
        (format!("mailboxes/{PARTNER}/outbound/"), "what the retailer was sent"),
        (format!("mailboxes/{PARTNER}/archive/"), "what the retailer sent"),
        (format!("warehouse/{PARTNER}/orders/"), "what the warehouse was sent"),
        ("data/".to_owned(), "the store: numbers, outcomes, every byte received and sent"),
    ];
    for (place, what) in places {
        writeln!(out, "    {place:<40} {faint}{what}{faint:#}")?;
    }
    writeln!(out, "\nTo go on with it: crossdock serve --config {shown}/crossdock.toml")?;
    out.flush()
}

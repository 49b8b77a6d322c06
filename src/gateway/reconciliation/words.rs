//! The report for people.

use std::fmt;

use super::{Inbound, Outbound, Reconciliation};

impl fmt::Display for Reconciliation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Reconciliation of {}, as it stood at {:.0}", self.date, self.at)?;
        if self.inbound.is_empty() && self.outbound.is_empty() && self.agrees {
            return writeln!(f, "\nNothing came and nothing went.");
        }
        if !self.inbound.is_empty() {
            writeln!(f, "\nReceived")?;
        }
        for flow in &self.inbound {
            writeln!(f, "  {}", in_words(flow))?;
        }
        if !self.outbound.is_empty() {
            writeln!(f, "\nSent")?;
        }
        for flow in &self.outbound {
            writeln!(f, "  {}", out_words(flow))?;
        }
        if self.agrees {
            return writeln!(f, "\nEverything agrees.");
        }
        writeln!(f, "\nWhat does not agree")?;
        for one in &self.differences {
            let partner = if one.partner.is_empty() { "nobody" } else { &one.partner };
            let (direction, document, number) = (one.direction, &one.document, one.number.trim());
            let named = if number.is_empty() { String::new() } else { format!(" {number}") };
            writeln!(f, "  {partner} {direction} {document}{named}: {}", one.why)?;
            writeln!(f, "    {}, since {:.0}", one.id, one.since)?;
        }
        match self.not_listed {
            0 => Ok(()),
            more => writeln!(f, "  and {more} more"),
        }
    }
}

fn in_words(flow: &Inbound) -> String {
    let counts = [
        (flow.delivered, "delivered"),
        (flow.repeated, "repeated"),
        (flow.shadowed, "in shadow"),
        (flow.rejected, "rejected"),
        (flow.waiting, "not delivered yet"),
        (flow.held, "held"),
    ];
    let name = named(&flow.partner, &flow.document, flow.set.as_deref());
    format!("{name}: {} received; {}", flow.received, listed(&counts))
}

fn out_words(flow: &Outbound) -> String {
    let counts = [
        (flow.accepted, "accepted"),
        (flow.unasked, "without acknowledgement, as agreed"),
        (flow.shadowed, "in shadow"),
        (flow.rejected, "rejected"),
        (flow.waiting, "not acknowledged yet"),
        (flow.not_sent, "not sent"),
    ];
    let name = named(&flow.partner, &flow.document, flow.set.as_deref());
    format!("{name}: {} to send, {} sent; {}", flow.taken, flow.sent, listed(&counts))
}

fn named(partner: &str, document: &str, set: Option<&str>) -> String {
    match set {
        Some(set) => format!("{partner} {document} ({set})"),
        None => format!("{partner} {document}"),
    }
}

fn listed(counts: &[(usize, &str)]) -> String {
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    counts.map(|(count, words)| format!("{count} {words}")).collect::<Vec<_>>().join(", ")
}

//! The sample retailer: its order, and its answers to what it is sent.

use super::Error;
use crate::x12::{Event, Reader};

/// The order that it drops.
pub(super) fn order() -> &'static str {
    include_str!("../../../partner-profiles/harbor-and-pine/samples/order.edi")
}

/// A 997 that accepts every set of an interchange.
pub(super) fn acknowledge(interchange: &str, number: u32) -> Result<String, Error> {
    let unreadable = || Error::Gateway("what was sent cannot be read back".to_owned());
    let mut reader = Reader::new(interchange.as_bytes());
    let mut lines = Vec::new();
    let (mut answered, mut sets) = (None, 0_u32);
    let mut responses = String::new();
    while let Some(event) = reader.next().map_err(Error::Write)? {
        match event {
            Event::Interchange(isa) => {
                let (us, them) = (isa.sender(), isa.receiver());
                lines.push(format!(
                    "ISA*00*          *00*          *{:<2}*{:<15}*{:<2}*{:<15}*261120*0830*U*00401*{number:09}*0*P*>~",
                    them.qualifier, them.id, us.qualifier, us.id
                ));
                lines.push(format!("GS*FA*{}*{}*20261120*0830*{number}*X*004010~", them.id, us.id));
            }
            Event::Group(group) => answered = Some((group.element(1), group.element(6))),
            Event::Set(set) => {
                sets += 1;
                responses =
                    format!("{responses}AK2*{}*{}~\nAK5*A~\n", set.id, set.control_number.0);
            }
            _ => {}
        }
    }
    let (kind, group) = answered.ok_or_else(unreadable)?;
    let count = 4 + 2 * sets;
    lines.push(format!(
        "ST*997*0001~\nAK1*{kind}*{group}~\n{responses}AK9*A*{sets}*{sets}*{sets}~\nSE*{count}*0001~"
    ));
    lines.push(format!("GE*1*{number}~\nIEA*1*{number:09}~\n"));
    Ok(lines.join("\n"))
}

//! What stands around our sets, by the agreement: secrets are read where they are, at each use.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::Error;
use crate::findings::Finding;
use crate::profile::{
    Credential, Envelope, GroupDate, GroupTime, Information, Isa11, Partner, Usage,
};
use crate::secrets::read_secret;
use crate::x12::{Identity, InterchangeSpec, Stamp};

/// Characters of ISA02 and ISA04.
const INFORMATION_CHARS_MAX: usize = 10;

/// ISA, as we write it to a partner.
///
/// # Errors
/// Where a secret cannot be read, or cannot stand there; the words never show it.
pub(super) fn interchange_spec(
    partner: &Partner,
    envelope: &Envelope,
) -> Result<InterchangeSpec, Error> {
    let sides = partner.identity.of(partner.usage);
    let identity = |who: &crate::profile::Identity| Identity {
        qualifier: who.qualifier.clone(),
        id: who.id.clone(),
    };
    Ok(InterchangeSpec {
        authorization: credential(&envelope.authorisation, envelope, "ISA02")?,
        security: credential(&envelope.security, envelope, "ISA04")?,
        sender: identity(&sides.own),
        receiver: identity(&sides.partner),
        version: envelope.interchange_version.clone(),
        acknowledgement_requested: envelope.request_ta1,
        test: partner.usage == Usage::Test,
        style: envelope.style(),
    })
}

fn credential(
    credential: &Credential,
    envelope: &Envelope,
    element: &str,
) -> Result<(String, String), Error> {
    let information = match &credential.information {
        Information::Plain(text) => text.clone(),
        Information::Secret(secret) => {
            let text = read_secret(secret).map_err(Error::Configuration)?;
            let delimiters = envelope.style().delimiters;
            let plain = |b: u8| matches!(b, b' '..=b'~') && !delimiters.contains(b);
            if text.len() > INFORMATION_CHARS_MAX || !text.bytes().all(plain) {
                return Err(Error::Configuration(format!(
                    "{secret} cannot stand in {element}: at most {INFORMATION_CHARS_MAX} plain characters, none of them a delimiter"
                )));
            }
            text
        }
    };
    Ok((credential.qualifier.clone(), information))
}

/// Local time, as partners expect it.
fn local(now: Timestamp) -> Zoned {
    now.to_zoned(TimeZone::system())
}

/// Date and time of ISA.
pub(super) fn stamp(now: Timestamp) -> Stamp {
    let local = local(now);
    Stamp::new(local.year(), local.month(), local.day(), local.hour(), local.minute())
}

/// Date and time of GS, in the form that is agreed.
pub(super) fn group_stamp(now: Timestamp, envelope: &Envelope) -> Stamp {
    let local = local(now);
    let mut stamp = stamp(now);
    if envelope.group_date == GroupDate::Year {
        stamp.date = stamp.date.split_off(2);
    }
    let hundredths = local.subsec_nanosecond() / 10_000_000;
    match envelope.group_time {
        GroupTime::Minutes => {}
        GroupTime::Seconds => stamp.time = format!("{}{:02}", stamp.time, local.second()),
        GroupTime::Hundredths => {
            stamp.time = format!("{}{:02}{hundredths:02}", stamp.time, local.second());
        }
    }
    stamp
}

/// Today, where the gateway stands.
pub(super) fn today(now: Timestamp) -> jiff::civil::Date {
    local(now).date()
}

/// Whether our own output is found fault with for what is agreed so: a short GS04, a `U` where a separator could stand.
pub(super) fn is_agreed(finding: &Finding, envelope: &Envelope) -> bool {
    match (finding.place.segment.as_str(), finding.place.element) {
        ("GS", 4) => envelope.group_date == GroupDate::Year,
        ("ISA", 11) => envelope.isa11 != Isa11::Auto,
        _ => false,
    }
}

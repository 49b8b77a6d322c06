//! An interchange of a sender that no profile knows: set aside, rejected, or taken under a profile, as is agreed.

use std::sync::Arc;

use super::{Arriving, Decision};
use crate::gateway::config::UnknownSenders;
use crate::gateway::envelope::today;
use crate::gateway::ledger::Draft;
use crate::gateway::live::Live;
use crate::gateway::mailboxes::MailboxBinding;
use crate::gateway::parts::Header;
use crate::gateway::{Error, Gateway};
use crate::profile::{Partner, State};
use crate::store::{InterchangeKey, Outcome};

/// TA105: the sender's identity is not known.
const SENDER_UNKNOWN: &str = "006";
/// TA105: the receiver's identity is not known.
const RECEIVER_UNKNOWN: &str = "008";

impl Gateway {
    /// The partner under whose profile strangers of this mailbox are taken, where that is agreed. What another mailbox's
    /// partner is known by is no stranger's.
    pub(super) fn stand_in<'a>(
        &self,
        live: &'a Live,
        binding: &MailboxBinding,
        header: &Header,
    ) -> Option<&'a Arc<Partner>> {
        let UnknownSenders::AcceptAs(name) = &self.config.unknown_senders else { return None };
        if live.profiles.sender(&header.sender, &header.receiver).is_some() {
            return None;
        }
        let own = live.mailboxes.of(name)?;
        live.profiles.partner(name).filter(|_| own.key == binding.key)
    }

    /// Rejects an interchange of nobody's with a TA1, where that is agreed, and its mailbox is that of a partner that is
    /// live: its numbers are used.
    pub(super) fn turn_away(
        &self,
        draft: &mut Draft,
        (live, binding): (&Live, &MailboxBinding),
        arriving: &Arriving,
        (header, key): (&Header, &InterchangeKey),
    ) -> Result<Option<Decision>, Error> {
        let is_stranger = live.profiles.sender(&header.sender, &header.receiver).is_none();
        if self.config.unknown_senders != UnknownSenders::Reject || !is_stranger {
            return Ok(None);
        }
        let is_here = |partner: &&Arc<Partner>| {
            let own = live.mailboxes.of(&partner.name);
            partner.state == State::Live && own.is_some_and(|own| own.key == binding.key)
        };
        let Some(partner) = live.profiles.iter().find(is_here) else { return Ok(None) };
        let is_ours =
            live.profiles.iter().flat_map(|partner| partner.identity.all()).any(|(_, pair)| {
                let (own, receiver) = (&pair.own, &header.receiver);
                own.qualifier == receiver.qualifier && own.id.trim() == receiver.id.trim()
            });
        let code = if is_ours { SENDER_UNKNOWN } else { RECEIVER_UNKNOWN };
        let day = today(arriving.now);
        let received = self.translator.refuse(arriving.bytes, partner, code, day);
        let with = (arriving, header);
        let answered = arriving.again.is_some_and(|again| again.answered);
        let answer = if answered { None } else { self.answer(draft, partner, with, &received)? };
        let note = format!(
            "No partner of this mailbox has these identities: sender {}, receiver {}. It was rejected (TA1 {code}), as [unknown_senders] wants it.",
            key.sender, key.receiver
        );
        let (partner, outcome) = (String::new(), Outcome::Rejected);
        Ok(Some(Decision { outcome, partner, note, documents: 0, answer, trouble: None }))
    }
}

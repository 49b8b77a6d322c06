//! The catalogue: every kind of exception, what it means and what can be done.

use serde::{Deserialize, Serialize};

use super::{Action, Severity};

/// An entry of the catalogue; what `crossdock exceptions kinds` prints.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The kind that it describes.
    pub kind: Kind,
    /// Its name, `document-unmapped`.
    pub name: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// One line.
    pub title: &'static str,
    /// What has happened.
    pub what: &'static str,
    /// What is to be done, in a sentence.
    pub mend: &'static str,
    /// What can be done with one, besides dismissing it.
    pub actions: &'static [Action],
    /// Where to read on.
    pub playbook: Playbook,
}

/// Where it is told step by step what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Playbook {
    /// A page of `docs/playbooks`, without its `.md`.
    Page(&'static str),
    /// There is none, for this reason.
    None(&'static str),
}

impl Playbook {
    /// Where the page lies, from the project's folder.
    #[must_use]
    pub fn path(self) -> Option<String> {
        match self {
            Self::Page(page) => Some(format!("docs/playbooks/{page}.md")),
            Self::None(_) => None,
        }
    }
}

macro_rules! catalogue {
    ($($variant:ident $name:literal $severity:ident $playbook:expr, [$($action:ident)*];
       $title:literal $what:literal $mend:literal)*) => {
        /// A kind of exception.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Kind {
            $(#[doc = $title] #[serde(rename = $name)] $variant,)*
        }

        static CATALOGUE: &[Entry] = &[
            $(Entry {
                kind: Kind::$variant, name: $name, severity: Severity::$severity, title: $title, what: $what,
                mend: $mend, actions: &[$(Action::$action),*], playbook: $playbook,
            },)*
        ];
    };
}

use Playbook::{None as NoPage, Page};

catalogue! {
    InterchangeUnknown "interchange-unknown" High Page("interchange-unknown"), [Replay Edit];
        "An interchange of nobody's"
        "An interchange came whose sender and receiver stand in no profile of this mailbox. It was not read any further, and nobody was answered."
        "Write the identities into the partner's profile and replay it, or tell the sender that it is not for us."
    InterchangePartnerOff "interchange-partner-off" Normal NoPage("The mend is one line: `state` of the profile, then replay."), [Replay];
        "An interchange of a partner that is off"
        "An interchange came from a partner whose profile says `state = \"off\"`. It was not read, and not answered."
        "Set the profile's `state` to shadow or live and replay it, or dismiss it."
    InterchangeUnreadable "interchange-unreadable" High Page("interchange-unreadable"), [Edit];
        "A file in which no interchange can be read"
        "A file, or a part of it, holds no ISA that can be read: it is no X12, or its first segment is damaged."
        "Look at the bytes. Ask the sender to send it again, or mend the ISA and resubmit the edited file."
    InterchangeTooLarge "interchange-too-large" High NoPage("The mend is one line: `limits.sets`, then replay."), [Replay Edit];
        "An interchange with very many sets"
        "An interchange came with more sets than `limits.sets` lets in. It was not read any further, and not answered: all of it is decided in one step, which takes about 30 KB of memory for each set."
        "Raise `limits.sets` where the machine has the memory, and replay it; or ask the partner to send it in parts."
    InterchangeNumberReused "interchange-number-reused" High Page("interchange-number-reused"), [Edit Accept];
        "An interchange number with other contents"
        "An interchange came with the number of an earlier one, and other contents. Nothing of it was done."
        "Ask the partner for a new number. If its documents are new, accept it: what was taken before is not taken again."
    InterchangeRepeated "interchange-repeated" Normal NoPage("Nothing is lost: the same bytes were processed when they came first."), [Replay];
        "An interchange that came before"
        "The same interchange came again, byte for byte, and the profile wants to be told of that (`duplicates.interchange = \"quarantine\"`)."
        "Ask the partner why it was sent twice, and dismiss it."
    InterchangeRejected "interchange-rejected" High Page("document-rejected"), [Replay Edit Accept];
        "An interchange that was rejected as a whole"
        "The envelope of an interchange is wrong, so that none of it was taken. The partner was told so where that is agreed."
        "Ask the partner to send it again, mend it by hand, or accept what can be read of it."
    DocumentRejected "document-rejected" High Page("document-rejected"), [Replay Edit Accept];
        "A partner's document was rejected"
        "A set of the partner's breaks the rules that were agreed so badly that it was not taken. The 997 or 999 has told the partner so."
        "Wait for the corrected one, mend the profile and replay if the rule was wrong, or accept it anyway."
    DocumentUnmapped "document-unmapped" High Page("document-unmapped"), [Replay Edit Accept];
        "A document is held: something has no number of ours"
        "A document names an item, unit, place or other code that stands in no cross-reference. The partner's document is right; we do not know what it means."
        "Add what is missing to the cross-reference that is named, then replay."
    DocumentAgainstOrder "document-against-order" High Page("document-against-order"), [Replay Edit Accept];
        "A document is held: it does not agree with its order"
        "What a document ships, bills or confirms was compared with its order and does not agree: quantity, price, item, or the order is not known."
        "Find out which of the two is right. Replay when the order is there, edit, or accept it with a reason."
    DocumentNumberReused "document-number-reused" High Page("document-number-reused"), [Accept];
        "A number that came before, with other contents"
        "An order or another document has the number of one that was received before, and does not say the same. It was not handed over."
        "Ask the partner which of the two counts. Accept this one if it is wanted as well, or dismiss it."
    OrderChangeHeld "order-change-held" High Page("order-change"), [Accept Replay];
        "A change of an order is held"
        "A partner changes an order that the warehouse has, that has left, or that is not known. Nothing of it was done."
        "Ask the warehouse whether it can still be changed. Accept it, and it goes to the warehouse's system; or dismiss it, and tell the partner."
    OrderCancellationHeld "order-cancellation-held" High Page("order-change"), [Accept Replay];
        "The cancellation of an order is held"
        "A partner cancels an order that the warehouse has, that has left, or that is not known. Nothing of it was done."
        "Stop the picking first. Accept it, and it goes to the warehouse's system; or dismiss it, and tell the partner."
    DocumentNoMap "document-no-map" High Page("document-not-agreed"), [Replay];
        "A document is held: there is no map for it"
        "A set came that is agreed or not, and that this program cannot translate: there is no map for it in its release."
        "Add the map (or a flow that uses one), then replay."
    DocumentNotAgreed "document-not-agreed" High Page("document-not-agreed"), [Replay Accept];
        "A document is held: it was not agreed"
        "A set came that the profile does not take in: of this kind, in this release, on this day, or as a test."
        "Add it to the profile and replay, accept this one, or tell the partner."
    DocumentSuspended "document-suspended" High Page("document-rejected"), [Replay Accept];
        "A document is held with its interchange"
        "Another set of its interchange was rejected, and the agreement holds all of it back (`processing.on_error = \"interchange\"`)."
        "See to the rejected set first; then accept this one, or have the partner send all of it again."
    DocumentRefused "document-refused" High Page("document-refused"), [Retry Edit Accept];
        "Our own document was not sent"
        "A document of the warehouse does not pass the check by which the partner would judge it. It was not numbered and not sent."
        "Correct it (edit, or from the warehouse), mend the profile or cross-reference and retry, or send it as it is."
    DocumentUnusable "document-unusable" High Page("document-refused"), [Edit];
        "A file of the warehouse cannot be used"
        "A file from the endpoint is no canonical document of its kind, has no number, or has the number of another document."
        "Correct the file, and resubmit it here or from the warehouse."
    AcknowledgementOverdue "acknowledgement-overdue" High Page("acknowledgement-overdue"), [Retry];
        "An acknowledgement is overdue"
        "We sent a document, and the partner has not acknowledged it in the time agreed. Nobody knows whether it arrived."
        "Ask the partner whether it has the interchange; retry sends the same bytes once more."
    AcknowledgementLate "acknowledgement-late" High Page("acknowledgement-late"), [];
        "An acknowledgement of ours is late"
        "We have not put our acknowledgement into the partner's mailbox within what the profile promises (`acknowledgements.within`)."
        "See to what keeps it from the mailbox. It goes out by itself then."
    DeadlineDueSoon "deadline-due-soon" Normal Page("deadline"), [];
        "A ship notice or invoice is due soon"
        "A deadline of the profile (`[deadlines]`) is nearly over, and what the partner waits for is not in its mailbox."
        "See that the warehouse or accounting hands it over, and that nothing else holds it up."
    DeadlineLate "deadline-late" High Page("deadline"), [];
        "A ship notice or invoice is late"
        "A deadline of the profile (`[deadlines]`) is over, and what the partner waits for is not in its mailbox."
        "Send it, and tell the partner's contact. Dismiss it with a reason where nothing is to be sent."
    AcknowledgementUnmatched "acknowledgement-unmatched" Normal NoPage("Rare, and harmless unless a document of ours is overdue: see that playbook."), [Replay];
        "An acknowledgement of nothing that we sent"
        "A partner acknowledged a number that was not sent to it, or does not say what became of it."
        "Ask the partner what it has acknowledged. See whether a document of ours is overdue."
    AcknowledgementPartial "acknowledgement-partial" Normal NoPage("Its words name the document, whose clock runs on."), [Replay];
        "A group was accepted in part"
        "A partner accepted a part of a group (AK9 P), and does not say whether this document is in it. Its clock runs on."
        "Ask the partner which documents of the group it has; have it acknowledge each of them (AK2)."
    AcknowledgementHeld "acknowledgement-held" Normal NoPage("Rare: only where a profile wants acknowledgements out of sequence held."), [Replay Accept];
        "An acknowledgement is held"
        "An acknowledgement does not fit what was sent, and the profile holds such ones (`acknowledgements.out_of_sequence = \"hold\"`)."
        "Ask the partner which answer counts; accept this one, or dismiss it."
    AnswerNotWritten "answer-not-written" High NoPage("It has one cause, and its words name the range that has no number left."), [Replay];
        "A partner could not be answered"
        "No control number was left for the 997, 999 or TA1 that answers an interchange: nothing was sent back. Its documents went on."
        "Agree on a new range of control numbers with the partner, write it into the profile, then replay: the partner is answered, and no document goes on twice."
    OutboundRejected "outbound-rejected" High Page("outbound-rejected"), [Retry Edit];
        "The partner rejected our document"
        "A 997 or 999 of the partner's says that it did not take a document of ours."
        "Read what it blames. Correct the document (edit) or the profile (retry): it goes out under new numbers."
    OutboundInterchangeRejected "outbound-interchange-rejected" Critical Page("outbound-rejected"), [Retry];
        "The partner rejected an interchange of ours"
        "A TA1 of the partner's says that it did not take an interchange: mostly identities, numbers or the version of the envelope."
        "Mend the envelope in the profile with the partner; retry sends its documents under new numbers."
    As2PartnerUnknown "as2-partner-unknown" Normal Page("as2-message"), [];
        "An AS2 message of nobody's"
        "A message came over AS2 between two names that stand in no profile. It was answered with `authentication-failed`, and not opened."
        "Compare AS2-From and AS2-To with `own_name` and `partner_name` of the profile: case, blanks and who is who count."
    As2MessageRefused "as2-message-refused" High Page("as2-message"), [];
        "A partner's AS2 message was not taken"
        "A message came over AS2 that cannot be decrypted, whose signature does not hold, or that lacks what was agreed. The receipt has told the partner so; the bytes are kept."
        "Mostly one side has other certificates than the other. Mend that, and have the partner send it again: the exception mends itself then."
    As2MessageIdReused "as2-message-id-reused" High Page("as2-message"), [];
        "An AS2 Message-ID with other contents"
        "A message came over AS2 with the number of an earlier one, and other contents. Nothing of it was done, and the receipt has told the partner so."
        "Ask the partner to send it under a new Message-ID."
    As2ReceiptAddress "as2-receipt-address" Normal Page("as2-message"), [];
        "A receipt is wanted at an unknown host"
        "A partner's AS2 message asks for its receipt at a host that the profile does not name. The message was taken; the receipt stood in the answer."
        "Ask the partner whether the host is its own, and write it into `receipt_hosts`."
    As2ReceiptNegative "as2-receipt-negative" High Page("as2-receipt"), [Retry];
        "A partner did not take our AS2 message"
        "The receipt for a message of ours says that it was not processed, names the digest of other content, is for another message, or is not signed as was asked for."
        "Read what it says, mend keys, certificates or the profile with the partner, and retry: a new message is made of the same document, or one of each."
    As2ReceiptOverdue "as2-receipt-overdue" High Page("as2-receipt"), [Retry];
        "The receipt for our AS2 message is overdue"
        "A message was sent as often as agreed, and no receipt came. Nobody knows whether the partner has it."
        "Ask the partner whether it has the message, and whether its receipts can reach our address; retry sends the same message again."
    CertificateExpires "certificate-expires" High Page("certificate-expires"), [];
        "A certificate ends soon"
        "A certificate of ours or of a partner's ends in less than 30, 14 or 3 days, or has ended. Messages with it are refused from then on."
        "Exchange new certificates with the partner, and write them into the profile beside the old ones. It mends itself then."
    CertificateRevoked "certificate-revoked" High Page("certificate-expires"), [];
        "A certificate of the partner's is revoked"
        "A list of revoked certificates (`crl`) names a certificate of the partner's. Signatures by it do not count any more, and nothing is encrypted for it."
        "Ask the partner, by another way, for its new certificate, and write it into the profile in the place of the revoked one. It mends itself then."
    RevocationListOld "revocation-list-old" Normal Page("certificate-expires"), [];
        "A list of revoked certificates is old"
        "A list that the profile names (`crl`) says of itself that there is a newer one. It is used all the same, but certificates that were revoked since are not in it."
        "Fetch the newer list into its file, and see to what should have done so. It mends itself then."
    WorkStuck "work-stuck" High Page("work-stuck"), [Retry];
        "Something does not succeed"
        "A delivery or a translation has failed ten times in a row. It is still tried again, with growing pauses."
        "See to what it fails of: an endpoint that is down, a token, a full disk. Then it succeeds by itself."
    WorkParked "work-parked" High Page("work-parked"), [Retry Edit];
        "The endpoint refused a document for good"
        "The warehouse's system answered that it does not take this document (400, 413, 422): sending it again changes nothing until something is mended."
        "Read its answer. Mend its system or the document, then retry or resubmit an edited one."
    PlaceUnreachable "place-unreachable" Critical Page("place-unreachable"), [];
        "A mailbox or endpoint cannot be looked into"
        "The gateway cannot look into a mailbox, an endpoint's folder or the profiles. Nothing comes in from there meanwhile."
        "See to the network, the folder, its rights or the password. It mends itself when a look succeeds."
    FileNotTaken "file-not-taken" High NoPage("The note beside the file in the quarantine says all there is."), [Edit];
        "A file was not taken in"
        "A file is larger than the limit, or cannot be read. It was moved to the quarantine as it is; nothing of it was read."
        "Raise `limits.file_mebibytes` and put it back into the mailbox, or have it sent in parts."
    ProfileLeftOut "profile-left-out" Critical NoPage("`crossdock partner check` names file, line and mend of everything that is wrong."), [];
        "A partner was left out at the start"
        "The profile of a partner cannot be used since the gateway was started. Nothing of this partner is done; its files wait."
        "Mend the profile (`crossdock partner check`). It is taken over by itself, and what waits is processed."
    ProfilesRefused "profiles-refused" High NoPage("`crossdock partner check` names file, line and mend of everything that is wrong."), [];
        "A change of the profiles was refused"
        "The profiles were changed, and something is wrong with them. What was in force before stays so."
        "Mend what is named (`crossdock partner check`). It is taken over by itself."
    StoreTrouble "store-trouble" Critical NoPage("docs/store.md tells what to do when the disk fails; there is nothing to do by the exception."), [];
        "The store could not read or write something"
        "A payload, a record or a file of the data folder could not be read or written. What needs it waits."
        "See to the disk: room, rights, hardware. Restore what is damaged from a backup."
    ProgramFailed "program-failed" High NoPage("It is a defect of Crossdock: send the file and the note to its makers."), [Replay Edit];
        "Crossdock failed on a file"
        "Crossdock itself failed on a file, three times. It was set aside, so that it holds up no other."
        "Report it with the file. Replay it with a version in which it is mended."
}

impl Kind {
    /// All of them, in the order of the catalogue.
    #[must_use]
    pub fn all() -> &'static [Entry] {
        CATALOGUE
    }

    /// What the catalogue says of it.
    #[must_use]
    pub fn entry(self) -> &'static Entry {
        // The catalogue and the kinds come from one list, in one order.
        &CATALOGUE[self as usize]
    }

    /// Its name, `document-unmapped`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// The kind of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        CATALOGUE.iter().find(|entry| entry.name == name).map(|entry| entry.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_found_by_its_name() {
        for entry in Kind::all() {
            assert_eq!(entry.kind.entry().name, entry.name);
            assert_eq!(Kind::named(entry.name), Some(entry.kind));
            assert_eq!(serde_json::to_value(entry.kind).unwrap(), entry.name);
        }
    }
}

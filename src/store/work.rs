//! Work that is queued: what is to be done, and done again until it succeeds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{As2Key, PayloadId};

/// Something to be done, and done again until it succeeds. Each names what it needs; none holds more than names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Task {
    /// Split, check and translate a file that was taken in.
    Translate {
        /// The receipt.
        receipt: u64,
        /// Where a person had it come again: what is done otherwise then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        again: Option<Again>,
    },
    /// Hand a document to the partner's endpoint.
    Call {
        /// The document.
        document: String,
    },
    /// Write a document that came from the endpoint as X12.
    Render {
        /// The document.
        document: String,
        /// It goes as it is, whatever our own check finds.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        accept: bool,
        /// Under which numbers (GS06, ST02) it was sent before, and not acknowledged: these new ones take their place.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        replaces: Vec<(u64, u64)>,
    },
    /// Put bytes into the partner's mailbox.
    Send {
        /// The bytes, and what they are.
        #[serde(flatten)]
        parcel: Parcel,
        /// What leaves together with it, in one message.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        with: Vec<Parcel>,
    },
    /// See what became of a message over AS2 that was sent: its receipt comes later.
    AwaitReceipt {
        /// The message.
        message: As2Key,
        /// Under which name its content was sent.
        name: String,
        /// The documents that are on their way with it, where they are few.
        documents: Vec<String>,
        /// Where they are many: a payload with one id a line.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        batch: Option<PayloadId>,
        /// What left together with it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        with: Vec<Parcel>,
    },
    /// Send the receipt for a message over AS2 that came.
    SendReceipt {
        /// The message.
        message: As2Key,
        /// The receipt.
        payload: PayloadId,
        /// Where to.
        url: String,
    },
    /// Tell of a deadline of the business when it is near, and when it is over.
    Deadline {
        /// What has started its clock.
        document: String,
        /// What is waited for: `ship_notice` or `invoice`.
        of: String,
        /// When the clock started.
        from: Timestamp,
        /// When it is over.
        due: Timestamp,
    },
    /// Send a message to a destination.
    Notify {
        /// Its name in the configuration.
        destination: String,
        /// The message: JSON.
        payload: PayloadId,
    },
    /// Post an event to a webhook.
    Webhook {
        /// Its name in the configuration.
        webhook: String,
        /// The id of the event.
        event: String,
        /// The event: JSON.
        payload: PayloadId,
    },
    /// Put bytes into a quarantine, with a note beside them.
    Quarantine {
        /// Whose.
        place: Place,
        /// The bytes.
        payload: PayloadId,
        /// Under which name.
        name: String,
        /// The note: text for a person.
        note: PayloadId,
    },
}

/// Bytes for a partner's mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// The bytes.
    pub payload: PayloadId,
    /// Under which name; a retry uses the same.
    pub name: String,
    /// The documents that are on their way with it, where they are few.
    pub documents: Vec<String>,
    /// Where they are many: a payload with one id a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<PayloadId>,
}

impl Parcel {
    /// An answer to what the partner has sent: there is no document in it.
    #[must_use]
    pub fn answer(payload: PayloadId, name: String) -> Self {
        Self { payload, name, documents: Vec::new(), batch: None }
    }

    /// Whether it is one.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        self.documents.is_empty() && self.batch.is_none()
    }
}

impl From<Parcel> for Task {
    fn from(parcel: Parcel) -> Self {
        Self::Send { parcel, with: Vec::new() }
    }
}

/// What becomes, at a replay, of documents that were handed over before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Redeliver {
    /// Those that read otherwise now are handed over once more, under the same key.
    Changed,
    /// All of them are.
    All,
}

/// Bytes that a person had come again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// For the sake of which exception; nothing at a replay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<u64>,
    /// At a replay: what becomes of documents that were handed over before. Else they stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redeliver: Option<Redeliver>,
    /// Which sets, by their place among all of the interchange; none: all of them.
    pub sets: Vec<u32>,
    /// They go on as they are, whatever is wrong with them.
    pub accept: bool,
    /// They may differ from those that came first under this number.
    pub differs: bool,
    /// The partner has its answer.
    pub answered: bool,
}

/// A place that has a quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A mailbox, by its key.
    Mailbox(String),
    /// An endpoint.
    Endpoint {
        /// Its name.
        endpoint: String,
        /// The partner.
        partner: String,
        /// The kind of document.
        kind: String,
    },
}

/// A queued [`Task`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// Number; rising in the order of queueing.
    pub id: u64,
    /// Lane: who works it off.
    pub lane: String,
    /// Work of one lane with the same key here is done in order; empty = no order. Where it has several lines, each is a
    /// key.
    pub order: String,
    /// What is to be done.
    pub task: Task,
    /// Failed attempts so far.
    pub attempts: u32,
    /// Not before.
    pub due: Timestamp,
    /// When it was queued.
    pub queued: Timestamp,
    /// What the last attempt failed of; empty before the first.
    pub error: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_queued_before_several_left_together_is_read_and_written_as_it_was() {
        let payload = PayloadId::of(b"x");
        let send = format!(
            r#"{{"task":"send","payload":"{payload}","name":"a.edi","documents":["d1"],"batch":"{payload}"}}"#
        );
        let answer =
            format!(r#"{{"task":"send","payload":"{payload}","name":"a.edi","documents":[]}}"#);
        let message = r#"{"direction":"sent","theirs":"T","ours":"O","message_id":"m"}"#;
        let waits = format!(
            r#"{{"task":"await_receipt","message":{message},"name":"a.edi","documents":["d1"]}}"#
        );
        for text in [send, answer, waits] {
            let task: Task = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json::to_string(&task).unwrap(), text);
        }
        let parcel = Parcel::answer(payload, "a.edi".to_owned());
        let both = Task::Send { parcel: parcel.clone(), with: vec![parcel] };
        let text = serde_json::to_string(&both).unwrap();
        assert_eq!(serde_json::from_str::<Task>(&text).unwrap(), both);
    }
}

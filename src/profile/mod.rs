//! The agreement with a trading partner, as data: who both are, how envelopes look, what flows in which
//! direction, how it is acknowledged.
//!
//! Pure: it reads the texts of a profile's folder that it is given, and never a file. A profile may extend others:
//! their entries lie below its own, and each remembers where it stands. It knows nothing of how bytes travel; it
//! only keeps the names of the mailbox and the endpoint for those who do.

mod agreement;
mod as2;
mod cross_references;
mod documents;
mod effect;
mod envelope;
mod identity;
mod mailbox;
mod node;
mod numbers;
mod partner;
mod policies;
mod problem;
mod profiles;
mod row;
mod rules;
mod schedule;
mod secret;
mod section;
mod sections;

pub use agreement::{Agreement, Direction, State};
pub use as2::{
    As2, As2Cipher, As2ClientCertificate, As2Compression, As2Digest, As2Login, As2LoginScheme,
    As2Receipt, As2Server, host_of,
};
pub use documents::{Batch, Deadline, DocumentFlow, Moment};
pub use effect::Effect;
pub use envelope::{
    Credential, Envelope, GroupDate, GroupTime, Information, Isa11, LineBreak, Repertoire,
    distinct_bytes,
};
pub use identity::{Contact, Identities, Identity, Pair, Sides, Usage};
pub use mailbox::{After, Finished, HostKey, Mailbox, Sftp, fill_in};
pub use numbers::{ControlNumbers, Range, SetNumberForm};
pub use partner::Partner;
pub use policies::{
    AckMatch, Acknowledgements, Answer, AnswerBatch, DuplicateDocument, DuplicateInterchange,
    DuplicateNumber, Duplicates, GroupUnity, OnError, OutOfSequence, Processing, SeparatorsFound,
    TrailingSeparators, TrailingSpaces,
};
pub use problem::{Origin, Problem, Weight};
pub use profiles::{PARTNER_FILE, ProfileSource, Profiles};
pub use row::{Difference, Row, differences};
pub use schedule::Schedule;
pub use secret::Secret;
pub use sections::Sections;

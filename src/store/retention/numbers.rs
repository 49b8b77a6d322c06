//! Numbers that do not count any more.

use jiff::Timestamp;

use super::change::{is_settled, noted_at};
use super::{Limit, Needed, Pass, Retirable};
use crate::store::as2::As2Message;
use crate::store::records::Seen;
use crate::store::{Error, Records as _, keys};

/// What is over, and before which moment it had to be.
type Over = Option<(Retirable, Timestamp)>;

impl Pass<'_> {
    /// Numbers of interchanges, groups and sets, our own, and messages over AS2. Whose they are is told by the record or
    /// by its key; where nothing tells it, they stay.
    pub(super) fn numbers(&mut self, needed: &Needed, counted: &Limit<'_>) -> Result<(), Error> {
        let before = self.before;
        let limit = |partner: &str| counted(partner).map(|counted| counted.min(before));
        let seen = self.each_with_key(keys::SEEN, |key, one: Seen| self.seen(key, &one, &limit))?;
        let noted = self.each_with_key(keys::ORDER, |key, words: String| {
            Ok(noted_at(&words).and_then(|at| {
                let key = keys::purchase_order_of(key)?;
                let limit = limit(&key.partner)?;
                (at < limit).then_some((Retirable::Noted(key), limit))
            }))
        })?;
        let used = self.each_with_key(keys::NUMBER, |key, at| self.number(key, at, &limit))?;
        let messages = self.each_with_key(keys::AS2, |_, one: As2Message| {
            let needed = needed.messages.contains(&one.key);
            let limit = limit(&one.partner).filter(|limit| is_settled(&one, *limit) && !needed);
            Ok(limit.map(|limit| (Retirable::As2(one.key), limit)))
        })?;
        self.retired.numbers = seen + noted + used + messages;
        Ok(())
    }

    /// What is replayed is what was received then, as long as its record is there.
    fn seen(&self, key: &[u8], one: &Seen, limit: &Limit<'_>) -> Result<Over, Error> {
        let limit = limit(&one.partner).filter(|limit| one.at.is_some_and(|at| at < *limit));
        let Some((key, limit)) = keys::seen_of(key).zip(limit) else { return Ok(None) };
        let stays = self.store.interchange(one.id)?.is_some();
        Ok((!stays).then_some((Retirable::Seen(key), limit)))
    }

    /// The last of a series stays, and all of one without a position: the next number is told by them.
    fn number(&self, key: &[u8], at: Option<Timestamp>, limit: &Limit<'_>) -> Result<Over, Error> {
        let Some((series, number)) = keys::number_of(key) else { return Ok(None) };
        let limit = limit(&series.partner).filter(|limit| at.is_some_and(|at| at < *limit));
        let Some(limit) = limit else { return Ok(None) };
        let position = self.store.read_durable::<u64>(&keys::position(&series))?;
        let over = position.is_some_and(|last| last != number);
        Ok(over.then_some((Retirable::Number(series, number), limit)))
    }
}

//! Numbers that do not count any more.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::Timestamp;

use super::change::{is_settled, noted_at};
use super::{Limit, Needed, Pass, Retirable};
use crate::store::as2::As2Message;
use crate::store::records::{InterchangeRecord, Seen};
use crate::store::{Error, keys};

/// What is over, and before which moment it had to be.
type Over = Option<(Retirable, Timestamp)>;

impl Pass<'_> {
    /// Numbers of interchanges, groups and sets, our own, and messages over AS2. Whose they are is told by the record or
    /// by its key; where nothing tells it, they stay.
    pub(super) fn numbers(&mut self, needed: &Needed, counted: &Limit<'_>) -> Result<(), Error> {
        let before = self.before;
        let limit = |partner: &str| counted(partner).map(|counted| counted.min(before));
        let mut kept = None;
        let seen = self.each_with_key(keys::SEEN, |key, one: Seen| {
            let limit = limit(&one.partner).filter(|limit| one.at.is_some_and(|at| at < *limit));
            let Some((own, limit)) = keys::seen_of(key).zip(limit) else { return Ok(None) };
            let kept = match &mut kept {
                Some(kept) => kept,
                none => none.insert(self.interchanges()?),
            };
            let stays = kept.contains(&hash(key));
            Ok((!stays).then_some((Retirable::Seen(own), limit)))
        })?;
        let noted = self.each_with_key(keys::ORDER, |key, words: String| {
            Ok(keys::purchase_order_of(key).and_then(|key| {
                let at = noted_at(&key, &words)?;
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

    /// Hashes of the keys of all interchanges that have a record. What is replayed is what was received then, as long as
    /// there is one: the first, or one that came again and had effect where that had none.
    fn interchanges(&self) -> Result<HashSet<u64>, Error> {
        let mut found = HashSet::new();
        self.each(keys::INTERCHANGE, |record: InterchangeRecord| {
            found.extend(record.key.map(|key| hash(&keys::seen(&key))));
            None
        })?;
        Ok(found)
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

fn hash(key: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

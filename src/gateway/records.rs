//! The records of a gateway, for commands: from the gateway itself where it runs, else from its store.

use super::config::Config;
use crate::store::{As2Message, Document, EmbeddedStore, Error, Records};

/// How often, and how long after each other, a gateway is asked that holds its folder and does not answer yet.
#[cfg(unix)]
const DESK_TRIES: u32 = 40;
#[cfg(unix)]
const DESK_PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// Opens what the gateway of this configuration remembers. One that runs is asked; where none does, its store is
/// opened, and no gateway can start before it is closed again.
///
/// # Errors
/// Where there is no store yet, or it cannot be opened.
pub fn open_records(config: &Config) -> Result<Box<dyn Records>, Error> {
    #[cfg(unix)]
    for _ in 0..DESK_TRIES {
        if let Some(remote) = crate::store::desk::RemoteRecords::connect(&config.data)? {
            return Ok(Box::new(remote));
        }
        match open_store(config) {
            // One that begins or ends has the folder, and nobody at its desk.
            Err(Error::Held { .. }) => std::thread::sleep(DESK_PAUSE),
            opened => return Ok(Box::new(opened?)),
        }
    }
    Ok(Box::new(open_store(config)?))
}

/// Opens the store of a configuration, with the key that signs its audit log. No gateway can start before it is closed
/// again.
///
/// # Errors
/// Where there is no store yet, or it cannot be opened.
pub(super) fn open_store(config: &Config) -> Result<EmbeddedStore, Error> {
    if !config.data.is_dir() {
        return Err(Error::Open {
            path: config.data.display().to_string(),
            reason: "there is nothing yet: no gateway has run with this configuration".to_owned(),
        });
    }
    let path = config.data.display().to_string();
    let key = config.audit.key().map_err(|reason| Error::Open { path, reason })?;
    EmbeddedStore::open_with_key(&config.data, key)
}

/// The last message over AS2 in which a document of ours was sent; nothing where it went another way.
///
/// # Errors
/// Where the records cannot be read.
pub fn message_of(records: &dyn Records, document: &Document) -> Result<Option<As2Message>, Error> {
    match document.rendered {
        Some(rendered) => Ok(records.as2_sent(rendered)?.pop()),
        None => Ok(None),
    }
}

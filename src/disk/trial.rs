//! Where tests let the process die, or the disk fail. Only in builds with debug assertions, which are for tests; in all
//! others these functions are nothing, and the variable is not looked at.
//!
//! `CROSSDOCK_TRIAL` says one of
//!
//! - `die STEP COUNT`: the process ends at once when it comes to a step for so many times;
//! - `fail DEED PLACE FROM TIMES CODE`: from that time on, so many times, a deed (`create`, `write`, `sync`, `rename`) on
//!   a path with the place in it fails with that error of the system (5: input/output error, 28: no space).

use std::io;
use std::path::Path;

/// A step of the gateway that a test may name.
#[inline]
pub fn step(name: &str) {
    #[cfg(debug_assertions)]
    set::step(name);
    #[cfg(not(debug_assertions))]
    let _ = name;
}

/// Something that is done to a file.
///
/// # Errors
/// Where a test wants it to fail.
#[inline]
pub fn deed(what: &str, path: &Path) -> io::Result<()> {
    #[cfg(debug_assertions)]
    return set::deed(what, path);
    #[cfg(not(debug_assertions))]
    {
        let _ = (what, path);
        Ok(())
    }
}

#[cfg(debug_assertions)]
mod set {
    use std::io;
    use std::path::Path;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    enum Trial {
        Die { step: String, at: u64 },
        Fail { deed: String, place: String, from: u64, times: u64, code: i32 },
    }

    static TRIAL: LazyLock<Option<Trial>> = LazyLock::new(|| {
        let text = std::env::var("CROSSDOCK_TRIAL").ok()?;
        let words: Vec<&str> = text.split(' ').collect();
        match words.as_slice() {
            ["die", step, at] => {
                Some(Trial::Die { step: (*step).to_owned(), at: at.parse().ok()? })
            }
            ["fail", deed, place, from, times, code] => Some(Trial::Fail {
                deed: (*deed).to_owned(),
                place: (*place).to_owned(),
                from: from.parse().ok()?,
                times: times.parse().ok()?,
                code: code.parse().ok()?,
            }),
            _ => None,
        }
    });
    static PASSED: AtomicU64 = AtomicU64::new(0);

    pub(super) fn step(name: &str) {
        if let Some(Trial::Die { step, at }) = TRIAL.as_ref()
            && step == name
            && PASSED.fetch_add(1, Ordering::Relaxed) + 1 == *at
        {
            std::process::abort();
        }
    }

    pub(super) fn deed(what: &str, path: &Path) -> io::Result<()> {
        let Some(Trial::Fail { deed, place, from, times, code }) = TRIAL.as_ref() else {
            return Ok(());
        };
        if deed != what || !path.to_string_lossy().contains(place) {
            return Ok(());
        }
        let passed = PASSED.fetch_add(1, Ordering::Relaxed) + 1;
        if (*from..from.saturating_add(*times)).contains(&passed) {
            return Err(io::Error::from_raw_os_error(*code));
        }
        Ok(())
    }
}

//! A progress bar and other output on one terminal: what is written stands above the bar, line by line.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use indicatif::ProgressBar;

/// The bar that is on the screen.
static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Says which bar is on the screen; `None`: none is any more.
pub fn show(bar: Option<ProgressBar>) {
    *BAR.lock().unwrap_or_else(PoisonError::into_inner) = bar;
}

/// Does something that writes to the terminal, and draws the bar anew below it.
pub fn above_bar<T>(write: impl FnOnce() -> T) -> T {
    let bar = BAR.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// Standard output where it is a terminal: only whole lines are written while a bar may be drawn.
#[derive(Debug)]
pub struct Lines<W: Write> {
    out: W,
    /// The line that has begun.
    begun: Vec<u8>,
}

impl<W: Write> Lines<W> {
    /// Around a terminal.
    pub fn new(out: W) -> Self {
        Self { out, begun: Vec::new() }
    }
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let whole = memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1);
        if whole > 0 {
            let begun = std::mem::take(&mut self.begun);
            above_bar(|| {
                self.out.write_all(&begun)?;
                self.out.write_all(&bytes[..whole])
            })?;
        }
        self.begun.extend_from_slice(&bytes[whole..]);
        Ok(bytes.len())
    }

    /// Writes a line that has no end as well.
    fn flush(&mut self) -> io::Result<()> {
        let begun = std::mem::take(&mut self.begun);
        above_bar(|| {
            self.out.write_all(&begun)?;
            self.out.flush()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_written_whole_and_nothing_is_lost() {
        let mut lines = Lines::new(Vec::new());
        lines.write_all(b"one\ntw").unwrap();
        assert_eq!(lines.out, b"one\n");
        lines.write_all(b"o").unwrap();
        assert_eq!(lines.out, b"one\n");
        lines.write_all(b"\nthree").unwrap();
        assert_eq!(lines.out, b"one\ntwo\n");
        lines.flush().unwrap();
        assert_eq!(lines.out, b"one\ntwo\nthree");
    }
}

//! What a command reads: files, folders, patterns and standard input, and a bar that shows how far it is.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Context, Error, screen};

/// From this size on a file has a progress bar, where standard error is a terminal. Below it, reading takes less
/// than the eye notices.
const PROGRESS_BYTES_MIN: u64 = 32 << 20;

/// The FILE arguments of a command.
#[derive(Debug, Clone, clap::Args)]
pub struct Files {
    /// Files, folders (every file in them), patterns such as 'in/*.edi', or - for standard input, which is read too
    /// where none is named
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// One thing to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stdin => f.write_str("(standard input)"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

impl Files {
    /// The arguments as things to read, in the order given; files of a folder or pattern by name.
    ///
    /// # Errors
    /// What is no pattern though it looks like one, a folder that cannot be read, nothing to read at all.
    pub fn sources(&self) -> Result<Vec<Source>, Error> {
        if self.files.is_empty() {
            if io::stdin().is_terminal() {
                let hint =
                    "nothing to read: name a file, a folder or a pattern, or pipe something in";
                return Err(Error::NoInput(hint.into()));
            }
            return Ok(vec![Source::Stdin]);
        }
        let mut sources = Vec::new();
        for given in &self.files {
            if given.as_os_str() == "-" {
                sources.push(Source::Stdin);
            } else if given.is_dir() {
                files_in(given, &mut sources)?;
            } else if given.exists() {
                sources.push(Source::File(given.clone()));
            } else {
                matching(given, &mut sources)?;
            }
        }
        if sources.is_empty() {
            return Err(Error::NoInput("nothing to read: the folders have no files".into()));
        }
        Ok(sources)
    }
}

/// Every file of a folder and the folders in it, by name; hidden ones are left out.
fn files_in(folder: &Path, sources: &mut Vec<Source>) -> Result<(), Error> {
    let entries = std::fs::read_dir(folder).map_err(Error::read(folder))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(Error::read(folder))?.path());
    }
    paths.sort();
    for path in paths {
        let hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
        // A link to a folder may lead back to where it stands.
        if hidden || (path.is_symlink() && path.is_dir()) {
            continue;
        }
        if path.is_dir() {
            files_in(&path, sources)?;
        } else if path.is_file() {
            sources.push(Source::File(path));
        }
    }
    Ok(())
}

/// What a pattern matches. What is not there, and a pattern that matches nothing, is left to be reported when it is
/// opened.
fn matching(given: &Path, sources: &mut Vec<Source>) -> Result<(), Error> {
    if !is_pattern(given) {
        sources.push(Source::File(given.to_path_buf()));
        return Ok(());
    }
    let pattern = given.to_string_lossy();
    let found = glob::glob(&pattern).map_err(|e| Error::NoInput(format!("{pattern}: {e}")))?;
    let before = sources.len();
    for path in found.filter_map(Result::ok).filter(|p| p.is_file()) {
        sources.push(Source::File(path));
    }
    if sources.len() == before {
        sources.push(Source::File(given.to_path_buf()));
    }
    Ok(())
}

/// Opens a file; of a pattern that matches nothing that is told.
///
/// # Errors
/// Where it is not there or may not be read.
pub fn open_file(path: &Path) -> Result<File, Error> {
    File::open(path).map_err(|e| {
        let nothing = e.kind() == io::ErrorKind::NotFound && is_pattern(path);
        Error::read(path)(if nothing { io::Error::other("no file matches") } else { e })
    })
}

fn is_pattern(given: &Path) -> bool {
    given.to_string_lossy().contains(['*', '?', '['])
}

/// Inputs that could not be read. One of them does not keep the others from being read.
#[derive(Debug, Default)]
pub struct Failures(usize);

impl Failures {
    /// Does something with each input; one that cannot be read does not keep the others from it.
    ///
    /// # Errors
    /// What is no failure of an input, at once; in the end [`Error::Inputs`], if any could not be read.
    pub fn each(
        sources: &[Source],
        context: &Context,
        mut each: impl FnMut(&Source) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut failures = Self::default();
        for source in sources {
            failures.take(each(source), context)?;
        }
        failures.finish()
    }

    /// Says of an input that could not be read why, and counts it; passes on any other failure.
    ///
    /// # Errors
    /// What is no failure of the input.
    pub fn take(&mut self, done: Result<(), Error>, context: &Context) -> Result<(), Error> {
        match done {
            Err(error @ Error::Read { .. }) => {
                self.0 += 1;
                super::complain(context, &error);
                Ok(())
            }
            other => other,
        }
    }

    /// A failure if there was one.
    ///
    /// # Errors
    /// [`Error::Inputs`].
    pub fn finish(&self) -> Result<(), Error> {
        if self.0 > 0 { Err(Error::Inputs(self.0)) } else { Ok(()) }
    }
}

/// An open source that moves its progress bar on.
pub struct Input {
    reader: Box<dyn Read>,
    bar: ProgressBar,
    read: u64,
}

impl Source {
    /// Opens it.
    ///
    /// # Errors
    /// A file that is not there or may not be read.
    pub fn open(&self) -> Result<Input, Error> {
        let hidden = ProgressBar::hidden();
        match self {
            Self::Stdin => Ok(Input::new(Box::new(io::stdin().lock()), hidden)),
            Self::File(path) => {
                let file = open_file(path)?;
                let size = file.metadata().map_err(Error::read(path))?.len();
                let bar = if size >= PROGRESS_BYTES_MIN { bar(path, size) } else { hidden };
                Ok(Input::new(Box::new(file), bar))
            }
        }
    }
}

/// A bar on standard error; indicatif keeps it hidden where that is no terminal.
fn bar(path: &Path, size: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::stderr_with_hz(5));
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let template = "{msg}  {wide_bar}  {percent:>3}%  {binary_bytes_per_sec}  {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(name);
    bar
}

impl Input {
    fn new(reader: Box<dyn Read>, bar: ProgressBar) -> Self {
        screen::show(Some(bar.clone()).filter(|bar| !bar.is_hidden()));
        Self { reader, bar, read: 0 }
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.read += count as u64;
        self.bar.set_position(self.read);
        Ok(count)
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        screen::show(None);
        self.bar.finish_and_clear();
    }
}

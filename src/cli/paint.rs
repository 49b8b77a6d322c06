//! Colours, where they are wanted.

use std::io::IsTerminal;

use clap::builder::styling::{AnsiColor, Style};

use crate::findings::Severity;

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Colour {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The styles of our output. All of them are empty where there is no colour: `{style}text{style:#}` is plain then.
#[derive(Debug, Clone, Copy, Default)]
pub struct Paint {
    /// Columns of the window, where there is one.
    pub columns: Option<usize>,
    fatal: Style,
    error: Style,
    warning: Style,
    advice: Style,
    /// Line numbers, arrows and other furniture.
    pub furniture: Style,
    /// What the eye should find first.
    pub strong: Style,
    /// What it may pass over.
    pub faint: Style,
    /// All is well.
    pub good: Style,
}

impl Paint {
    /// Colours for a stream, by what was asked for and what the stream is.
    #[must_use]
    pub fn new(colour: Colour, stream: &impl IsTerminal) -> Self {
        let wanted = match colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => {
                stream.is_terminal()
                    && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
                    && std::env::var_os("TERM").is_none_or(|v| v != "dumb")
            }
        };
        let window = stream.is_terminal().then(terminal_size::terminal_size).flatten();
        let columns = window.map(|(width, _)| usize::from(width.0));
        let paint = if wanted { Self::coloured() } else { Self::default() };
        Self { columns, ..paint }
    }

    /// Whether there is any colour.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.strong != Style::new()
    }

    /// Columns for a text with `before` columns in front of it: so many as are usual, fewer in a narrow window.
    #[must_use]
    pub fn room(&self, usual: usize, before: usize) -> usize {
        const ROOM_MIN: usize = 24;
        let room = self.columns.map_or(usual, |columns| columns.saturating_sub(before));
        room.clamp(ROOM_MIN.min(usual), usual)
    }

    fn coloured() -> Self {
        let bold = |colour: AnsiColor| Style::new().bold().fg_color(Some(colour.into()));
        Self {
            columns: None,
            fatal: bold(AnsiColor::BrightRed),
            error: bold(AnsiColor::Red),
            warning: bold(AnsiColor::Yellow),
            advice: bold(AnsiColor::Cyan),
            furniture: bold(AnsiColor::Blue),
            strong: Style::new().bold(),
            faint: Style::new().dimmed(),
            good: bold(AnsiColor::Green),
        }
    }

    /// The style of a severity.
    #[must_use]
    pub fn severity(&self, severity: Severity) -> Style {
        match severity {
            Severity::Advice => self.advice,
            Severity::Warning => self.warning,
            Severity::Error => self.error,
            Severity::Fatal => self.fatal,
        }
    }
}

/// The word for a severity, as it stands in JSON.
#[must_use]
pub fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Advice => "advice",
        Severity::Warning => "warning",
        Severity::Error => "error",
        Severity::Fatal => "fatal",
    }
}

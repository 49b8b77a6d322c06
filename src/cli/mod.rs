//! The command line: one file a command.
//!
//! What a command finds in a partner's document is output, never a failure. Exit codes: 0 clean, 1 findings that
//! make a document faulty, 2 our failure (a file that cannot be read, a bad grammar, wrong arguments).

mod ack;
mod acks;
mod alerts;
#[cfg(feature = "api")]
mod api;
mod audit;
#[cfg(feature = "as2")]
mod cert;
mod completions;
mod config;
mod connector;
mod definitions;
mod demo;
mod documents;
mod envelope;
mod error;
mod exceptions;
mod explain;
mod grammar;
mod input;
mod inspect;
mod overlays;
mod paint;
mod partner;
mod reconcile;
mod replay;
mod report;
mod requeue;
mod rewrite;
mod scene;
mod schema;
mod screen;
mod serve;
mod sheaf;
mod snippet;
mod status;
mod store;
mod table;
mod trace;
mod translate;
mod validate;
mod wait;
mod webhooks;

pub use error::Error;
pub use paint::{Colour, Paint};

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Self-hosted EDI gateway: reads, checks, answers and translates X12
#[derive(Debug, Parser)]
#[command(name = "crossdock", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(
    after_help = "Exit codes: 0 clean, 1 findings, 2 failure of ours (no such file, bad grammar, …).\n\n\
Begin with `crossdock demo`, or with a file of yours: `crossdock validate order.edi`."
)]
pub struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options of every command")]
struct Options {
    /// Output for people (human), or a JSON object a line for machines (json)
    #[arg(
        long,
        value_enum,
        default_value_t,
        global = true,
        value_name = "FORMAT",
        hide_possible_values = true
    )]
    format: Output,
    /// When to colour the output: auto, always or never
    #[arg(
        long,
        value_enum,
        default_value_t,
        global = true,
        value_name = "WHEN",
        hide_possible_values = true
    )]
    color: Colour,
    /// A folder of grammars that take the place of ours, file by file
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "CROSSDOCK_GRAMMARS",
        hide_env_values = true
    )]
    grammars: Option<PathBuf>,
    /// A folder of maps that take the place of ours, file by file
    #[arg(long, global = true, value_name = "DIR", env = "CROSSDOCK_MAPS", hide_env_values = true)]
    maps: Option<PathBuf>,
}

/// `--format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Output {
    #[default]
    Human,
    Json,
    Md,
    Html,
}

/// What a guide is printed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// Markdown.
    Markdown,
    /// One HTML file.
    Html,
}

/// Who reads the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// People.
    #[default]
    Human,
    /// Machines: one JSON object a line.
    Json,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the envelope tree: interchanges, groups and sets
    Inspect(inspect::Args),
    /// Check everything, and show each finding with its place, rule and mend
    Validate(validate::Args),
    /// Translate X12 to canonical documents, and back
    Translate(Box<translate::Args>),
    /// Print the 997 or 999 and TA1 that answer a file
    Ack(ack::Args),
    /// Explain a finding: what it means, why it matters, how it is answered
    Explain(explain::Args),
    /// Show, list and check grammars
    Grammar(grammar::Args),
    /// Print the JSON Schema of a canonical document
    Schema(schema::Args),
    /// Onboard trading partners: learn, check, show, try, publish agreements
    Partner(partner::Args),
    /// See the gateway at work: an order comes in, a shipment and an invoice go out
    Demo(demo::DemoArgs),
    /// Keys and certificates for AS2: make, show, import, export, see which end soon
    #[cfg(feature = "as2")]
    Cert(cert::Args),
    /// The API: its OpenAPI document, and the tokens of those who use it
    #[cfg(feature = "api")]
    Api(api::Args),
    /// Check crossdock.toml and the profiles that it names
    Config(config::Args),
    /// Connectors to the warehouse's API: begin, check, list, try
    Connector(connector::Args),
    /// Run the gateway: poll mailboxes, translate, acknowledge, deliver
    Serve(serve::ServeArgs),
    /// Show whether the gateway runs, what waits and what is wrong
    Status(status::Args),
    /// Show what partners have acknowledged, and what they still have to
    Acks(acks::Args),
    /// Show an order with its shipments, cartons, invoices and acknowledgements on one page
    Trace(trace::Args),
    /// Show what of a day agrees: received with delivered, sent with acknowledged
    Reconcile(reconcile::Args),
    /// What a person has to look at: list it, look closer, act on it
    Exceptions(exceptions::Args),
    /// Run stored traffic through the profiles once more: what would change
    Replay(replay::Args),
    /// Try whom alerts are sent to
    Alerts(alerts::Args),
    /// See what waits for webhooks, and send events once more
    Webhooks(webhooks::Args),
    /// Queue again what an endpoint has refused
    Requeue(requeue::Args),
    /// Verify and read the audit log, and export what it holds for a dispute
    Audit(audit::Args),
    /// Check, export or rebuild the data folder; begin a new audit log
    Store(store::Args),
    /// Print completions for a shell
    Completions(completions::Args),
}

/// What a command works with besides its arguments.
#[derive(Debug, Clone)]
pub struct Context {
    /// Who reads the output.
    pub format: Format,
    /// What a guide is printed as, where that was said.
    pub page: Option<Page>,
    /// Colours for standard output.
    pub paint: Paint,
    /// Colours for standard error.
    pub paint_err: Paint,
    /// Folder that overlays the grammars.
    pub grammars: Option<PathBuf>,
    /// Folder that overlays the maps.
    pub maps: Option<PathBuf>,
}

/// What a command has to say about what it read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing is wrong. Exit code 0.
    Clean,
    /// A document has faults. Exit code 1.
    Findings,
}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let context = Context {
        format: match cli.options.format {
            Output::Json => Format::Json,
            Output::Human | Output::Md | Output::Html => Format::Human,
        },
        page: match cli.options.format {
            Output::Md => Some(Page::Markdown),
            Output::Html => Some(Page::Html),
            Output::Human | Output::Json => None,
        },
        paint: Paint::new(cli.options.color, &io::stdout()),
        paint_err: Paint::new(cli.options.color, &io::stderr()),
        grammars: cli.options.grammars,
        maps: cli.options.maps,
    };
    let stdout = io::stdout().lock();
    let screen: Box<dyn Write> =
        if stdout.is_terminal() { Box::new(screen::Lines::new(stdout)) } else { Box::new(stdout) };
    let mut out = BufWriter::with_capacity(1 << 16, screen);
    let done = dispatch(&cli.command, &context, &mut out);
    let done = done.and_then(|verdict| out.flush().map(|()| verdict).map_err(Error::Write));
    match done {
        Ok(Verdict::Clean) => ExitCode::SUCCESS,
        Ok(Verdict::Findings) => ExitCode::from(1),
        // Whoever read our output has seen enough.
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            // What was written so far belongs before the reason why it ends.
            let _ = out.flush();
            complain(&context, &error);
            ExitCode::from(2)
        }
    }
}

fn dispatch(command: &Command, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    if context.page.is_some() && !matches!(command, Command::Partner(args) if args.is_page()) {
        let words = "--format md and --format html are for `crossdock partner guide` alone";
        return Err(Error::Unknown(words.to_owned()));
    }
    match command {
        Command::Inspect(args) => inspect::run(args, context, out),
        Command::Validate(args) => validate::run(args, context, out),
        Command::Translate(args) => translate::run(args, context, out),
        Command::Ack(args) => ack::run(args, context, out),
        Command::Explain(args) => explain::run(args, context, out),
        Command::Grammar(args) => grammar::run(args, context, out),
        Command::Schema(args) => schema::run(args, out),
        Command::Partner(args) => partner::run(args, context, out),
        Command::Demo(args) => demo::run(args, context, out),
        #[cfg(feature = "as2")]
        Command::Cert(args) => cert::run(args, context, out),
        #[cfg(feature = "api")]
        Command::Api(args) => api::run(args, context, out),
        Command::Config(args) => config::run(args, context, out),
        Command::Connector(args) => connector::run(args, context, out),
        Command::Serve(args) => serve::run(args, context, out),
        Command::Status(args) => status::run(args, context, out),
        Command::Acks(args) => acks::run(args, context, out),
        Command::Trace(args) => trace::run(args, context, out),
        Command::Reconcile(args) => reconcile::run(args, context, out),
        Command::Exceptions(args) => exceptions::run(args, context, out),
        Command::Replay(args) => replay::run(args, context, out),
        Command::Alerts(args) => alerts::run(args, context, out),
        Command::Webhooks(args) => webhooks::run(args, context, out),
        Command::Requeue(args) => requeue::run(args, out),
        Command::Audit(args) => audit::run(args, context, out),
        Command::Store(args) => store::run(args, context, out),
        Command::Completions(args) => completions::run(args, out),
    }
}

/// The runtime of a command, with so many threads that work; as many as there are processors where it is not said.
fn runtime(workers: Option<usize>) -> Result<tokio::runtime::Runtime, Error> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(workers) = workers {
        builder.worker_threads(workers);
    }
    let built = builder.enable_all().build();
    built.map_err(|e| Error::Gateway(format!("the runtime cannot be started: {e}")))
}

/// Says on standard error what has failed.
fn complain(context: &Context, error: &Error) {
    say(context, &error.to_string());
}

/// Says something on standard error.
fn say(context: &Context, text: &str) {
    let style = context.paint_err.severity(crate::findings::Severity::Error);
    // Where standard error is gone too, nobody is left to be told.
    let _ = screen::above_bar(|| writeln!(io::stderr(), "{style}crossdock:{style:#} {text}"));
}

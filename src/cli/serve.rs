//! `crossdock serve`: runs the gateway until it is told to stop.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

use super::definitions::engine;
use super::{Context, Error, Verdict, runtime};
use crate::gateway::{Config, Gateway, LogConfig, LogFormat};

/// Which gateway.
#[derive(Debug, clap::Args)]
pub struct ConfigArgs {
    /// The configuration file
    #[arg(
        long,
        value_name = "FILE",
        default_value = "crossdock.toml",
        env = "CROSSDOCK_CONFIG",
        hide_env_values = true
    )]
    config: PathBuf,
}

impl ConfigArgs {
    /// The file.
    pub(super) fn file(&self) -> &std::path::Path {
        &self.config
    }

    /// Reads it.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(super) fn read(&self) -> Result<Config, Error> {
        Config::read(&self.config).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Error::Gateway(format!("the configuration cannot be used\n{}", lines.join("\n")))
        })
    }
}

/// Run the gateway: poll mailboxes, translate, acknowledge, deliver
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Open everything, say what is wrong, and stop
    #[arg(long)]
    check: bool,
}

/// Asks the system for as many open files as it lets us have. Most give 1,024 at first, and folders that hang hold some.
fn allow_files() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        // Where it is refused, we do with what there is.
        let asked = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
        tracing::debug!(?current, ?maximum, ?asked, "open files");
    }
}

/// Runs until SIGTERM or SIGINT; then steps under way are finished and the store is closed.
///
/// # Errors
/// What is wrong with the configuration, all of it; or why the gateway stopped by itself.
pub(super) fn run(
    args: &ServeArgs,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Verdict, Error> {
    let config = args.config.read()?;
    let engine = engine(context)?;
    start_log(&config.log, context.paint_err.is_on())?;
    allow_files();
    let runtime = runtime(None)?;
    let ended = runtime.block_on(async {
        let gateway = Gateway::open(config, engine).map_err(|problems| {
            Error::Gateway(format!("the gateway cannot be started\n{problems}"))
        })?;
        if args.check {
            for partner in gateway.partners() {
                let (name, mailbox) = (&partner.title, partner.mailbox.address());
                writeln!(out, "{name}: mailbox {mailbox}, endpoint {}", partner.endpoint)?;
            }
            let left_out = gateway.left_out();
            if !left_out.is_empty() {
                let lines: Vec<String> = left_out.iter().map(ToString::to_string).collect();
                let lines = lines.join("\n");
                return Err(Error::Gateway(format!("partners would be left out\n{lines}")));
            }
            let servers = super::config::servers(args.config.file());
            if !servers.is_empty() {
                let lines: Vec<String> = servers.iter().map(ToString::to_string).collect();
                let lines = lines.join("\n");
                return Err(Error::Gateway(format!("the gateway could not be reached\n{lines}")));
            }
            writeln!(out, "All is well.")?;
            return Ok(Verdict::Clean);
        }
        serve(gateway).await
    });
    if ended.is_err() {
        // The store has failed: a call that is under way has nowhere to be noted, and is not waited for.
        runtime.shutdown_background();
    }
    ended
}

async fn serve(gateway: Arc<Gateway>) -> Result<Verdict, Error> {
    let (stopper, stop) = watch::channel(false);
    // From the first line that says it serves, it can be told to stop.
    let signals = Signals::listen();
    tokio::spawn(async move {
        let told = match signals {
            Ok(signals) => signals.told().await,
            Err(e) => Err(e),
        };
        match told {
            Ok(signal) => {
                tracing::info!(signal, "stopping: steps under way are finished");
                // Without a receiver the gateway has stopped already.
                let _ = stopper.send(true);
            }
            Err(e) => {
                tracing::error!("signals cannot be received: {e}");
                // The gateway runs on; it can still be killed without loss.
                std::future::pending::<()>().await;
            }
        }
    });
    for partner in gateway.partners() {
        let (name, mailbox) = (&partner.name, partner.mailbox.address());
        let (state, endpoint) = (format!("{:?}", partner.state).to_lowercase(), &partner.endpoint);
        tracing::info!(partner = name, mailbox, endpoint, state, "serving");
    }
    #[cfg(feature = "console")]
    let console = match gateway.listen() {
        Some(address) => {
            let listener = crate::console::open(address)
                .await
                .map_err(|e| Error::Gateway(format!("service.listen {address}: {e}")))?;
            tracing::info!(%address, "health, readiness and metrics are told over HTTP");
            let serving = crate::console::serve(Arc::clone(&gateway), listener, stop.clone());
            Some(tokio::spawn(serving))
        }
        None => None,
    };
    let mut servers = tokio::task::JoinSet::<()>::new();
    #[cfg(feature = "as2")]
    if let Some(server) = crate::listener::open_as2(&gateway).await.map_err(Error::Gateway)? {
        tracing::info!(address = %server.address()?, "messages over AS2 are taken");
        servers.spawn(server.serve(stop.clone()));
    }
    #[cfg(feature = "api")]
    if let Some(server) = crate::api::open(&gateway).await.map_err(Error::Gateway)? {
        tracing::info!(address = %server.address()?, "the API is served");
        servers.spawn(server.serve(stop.clone()));
    }
    let ended = gateway.run(stop).await;
    if ended.is_ok() {
        // Requests under way are answered first.
        while servers.join_next().await.is_some() {}
    }
    #[cfg(feature = "console")]
    if let Some(console) = console {
        // A scrape that is under way when the gateway ends has nobody to ask any more.
        console.abort();
    }
    ended.map_err(|e| Error::Gateway(e.to_string()))?;
    tracing::info!("stopped");
    Ok(Verdict::Clean)
}

/// What tells the process to stop.
#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// From here on they do not end the process.
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for one.
    async fn told(mut self) -> std::io::Result<&'static str> {
        tokio::select! {
            _ = self.terminate.recv() => Ok("SIGTERM"),
            _ = self.interrupt.recv() => Ok("SIGINT"),
        }
    }
}

/// What tells the process to stop.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn told(self) -> std::io::Result<&'static str> {
        tokio::signal::ctrl_c().await.map(|()| "ctrl-c")
    }
}

/// Log lines go to standard error, in colour where that is a terminal. `RUST_LOG` goes before the configured level.
fn start_log(config: &LogConfig, colours: bool) -> Result<(), Error> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(filter) if !filter.is_empty() => filter,
        _ => config.level.clone(),
    };
    let filter = EnvFilter::try_new(&filter)
        .map_err(|e| Error::Gateway(format!("log level {filter:?}: {e}")))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .with_writer(std::io::stderr);
    let started = match config.format {
        LogFormat::Human => log.with_target(false).try_init(),
        LogFormat::Json => log.json().flatten_event(true).with_target(false).try_init(),
    };
    started.map_err(|e| Error::Gateway(format!("the log cannot be started: {e}")))
}

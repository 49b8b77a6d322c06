//! The `crossdock` program: a thin shell around [`crossdock::cli`].

fn main() -> std::process::ExitCode {
    crossdock::cli::run()
}

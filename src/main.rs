//! The `crossdock` program: a thin shell around [`crossdock::cli`].

/// A gateway makes and drops many small values on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    crossdock::cli::run()
}

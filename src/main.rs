//! The `crossdock` program: a thin shell around [`crossdock::cli`].

fn main() {}

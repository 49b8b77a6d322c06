//! The integration tests, in one binary.

mod acknowledgements;
mod acks;
mod against;
mod agreements;
mod alerts;
#[cfg(all(feature = "api", feature = "http"))]
mod api;
mod arrows;
#[cfg(feature = "as2")]
mod as2;
mod audit;
mod canonical;
mod changes;
mod cli;
mod compaction;
#[cfg(feature = "http")]
mod connector;
#[cfg(feature = "console")]
mod console;
mod corpus;
mod cross_references;
mod crosswalk;
mod deadlines;
mod demo;
#[cfg(unix)]
mod desk;
mod exceptions;
mod failures;
mod fixtures;
mod gateway;
mod generate;
mod grammar;
mod hierarchies;
mod house;
mod inventory;
mod journal;
mod kill;
mod laws;
mod learn;
mod map;
mod mended;
mod mistakes;
mod mounted;
mod onboarding;
mod overlay;
mod partner;
mod profiles;
mod receive;
mod reconciliation;
mod recovery;
mod reload;
mod reopening;
mod replay;
mod retention;
#[cfg(feature = "http")]
mod retries;
#[cfg(feature = "sftp")]
mod sftp;
mod shipped;
#[cfg(target_os = "linux")]
mod soak;
mod status;
mod store;
mod strangers;
mod trace;
mod trials;
#[cfg(feature = "http")]
mod webhooks;
mod x12;

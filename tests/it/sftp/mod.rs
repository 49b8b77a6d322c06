//! Mailboxes on a real SFTP server, which each test starts for itself on loopback.

mod faults;
mod gateway;
mod mailbox;
mod proxy;
pub mod server;

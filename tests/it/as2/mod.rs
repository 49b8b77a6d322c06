//! AS2 against implementations that are not ours: `openssl cms` on the command line, and pyas2lib.

pub mod authority;
mod django;
mod exchange;
mod openssl;
pub mod partner;
mod proof;
mod pyas2;
mod revocation;
pub mod server;
mod service;
mod together;
mod trials;

use crossdock::transport::as2::cms::{Certificate, Cipher, Digest, Identity, Padding};
use crossdock::transport::as2::message::{Compression, Encryption, Protection};

/// Line ends of three kinds, and bytes that are no text.
const CONTENT: &[u8] = b"ISA*00*~\r\nGS*PO~\nST*850~\r\x00\xff~";

fn identity(name: &str) -> Identity {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/as2");
    Identity::read(&std::fs::read(folder.join(name)).unwrap(), "").unwrap()
}

/// Every way to protect a message with these digests and ciphers.
fn protections<'a>(
    signer: &'a Identity,
    digests: &[Digest],
    ciphers: &[Cipher],
    recipients: &'a [&'a Certificate],
) -> Vec<Protection<'a>> {
    let some = |digest: &Digest| Some((signer, *digest));
    let signatures: Vec<_> = std::iter::once(None).chain(digests.iter().map(some)).collect();
    let encryption =
        |cipher: &Cipher| Some(Encryption { cipher: *cipher, padding: Padding::Pkcs1, recipients });
    let encryptions: Vec<_> = std::iter::once(None).chain(ciphers.iter().map(encryption)).collect();
    let compressions = [None, Some(Compression::BeforeSigning), Some(Compression::AfterSigning)];
    let mut all = Vec::new();
    for sign in signatures {
        for encrypt in &encryptions {
            for compress in compressions.into_iter().take(if sign.is_some() { 3 } else { 2 }) {
                all.push(Protection { sign, encrypt: *encrypt, compress });
            }
        }
    }
    all
}

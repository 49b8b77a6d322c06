//! Compressed contents (RFC 3274): zlib, and nothing that grows beyond a bound.

use std::io::Write as _;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Decompress, FlushDecompress, Status};

use super::algorithm::{algorithm, read, unsupported};
use super::ber::{INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, context};
use super::der::{Layer, nest, tlv};
use super::{COMPRESSED, DATA, Error, Kind, content_info};

/// id-alg-zlibCompress.
const ZLIB: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x03, 0x08];

/// Compresses a content: `CompressedData`, in DER.
///
/// # Errors
/// None that is known; the library has them for streams that are not in memory.
pub fn compress(content: &[u8]) -> Result<Vec<u8>, Error> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    let compressed = encoder.write_all(content).and_then(|()| encoder.finish());
    let compressed = compressed.map_err(|_| Error::Incompressible)?;
    let layers = [
        Layer::of(SEQUENCE, &[&tlv(OBJECT_IDENTIFIER, &[COMPRESSED])]),
        Layer::of(context(0), &[]),
        Layer::of(SEQUENCE, &[&tlv(INTEGER, &[&[0]]), &algorithm(ZLIB, &[])]),
        Layer::of(SEQUENCE, &[&tlv(OBJECT_IDENTIFIER, &[DATA])]),
        Layer::of(context(0), &[]),
    ];
    Ok(nest(&layers, OCTET_STRING, &compressed))
}

/// Decompresses one.
///
/// # Errors
/// Where it is no compressed content, or has more bytes than `bytes_max` when it is decompressed.
pub fn decompress(message: &[u8], bytes_max: usize) -> Result<Vec<u8>, Error> {
    let (Kind::Compressed, data) = content_info(message)? else {
        return Err(Error::Malformed("no compressed content"));
    };
    let mut reader = data.reader()?;
    reader.expect(INTEGER)?;
    let (oid, _) = read(reader.expect(SEQUENCE)?)?;
    if oid != ZLIB {
        return Err(unsupported("compression", oid));
    }
    let mut content = reader.expect(SEQUENCE)?.reader()?;
    content.expect(OBJECT_IDENTIFIER)?;
    let octets = content.expect(context(0))?.reader()?.expect_octets()?;
    let mut inflating = Inflating::new(bytes_max);
    octets.pieces(&mut |piece| inflating.add(piece))?;
    inflating.end()
}

/// A stream that is being decompressed.
struct Inflating {
    stream: Decompress,
    out: Vec<u8>,
    bytes_max: usize,
    ended: bool,
}

impl Inflating {
    fn new(bytes_max: usize) -> Self {
        Self { stream: Decompress::new(true), out: Vec::new(), bytes_max, ended: false }
    }

    fn add(&mut self, mut piece: &[u8]) -> Result<(), Error> {
        while !piece.is_empty() && !self.ended {
            self.step(&mut piece)?;
        }
        Ok(())
    }

    /// Takes some of a piece; says whether anything came of it.
    fn step(&mut self, piece: &mut &[u8]) -> Result<bool, Error> {
        if self.out.len() > self.bytes_max {
            return Err(Error::TooLarge(self.bytes_max));
        }
        if self.out.len() == self.out.capacity() {
            // Doubled each time, but never beyond the limit and the byte that tells that it is passed.
            let more = self.out.len().max(64 * 1024).min(self.bytes_max + 1 - self.out.len());
            self.out.reserve_exact(more);
        }
        let (taken, made) = (self.stream.total_in(), self.out.len());
        let status = self.stream.decompress_vec(piece, &mut self.out, FlushDecompress::None);
        let status = status.map_err(|_| Error::Incompressible)?;
        let taken = self.stream.total_in() - taken;
        *piece = &piece[usize::try_from(taken).expect("no more than there was")..];
        self.ended = status == Status::StreamEnd;
        Ok(taken > 0 || self.out.len() > made)
    }

    fn end(mut self) -> Result<Vec<u8>, Error> {
        while !self.ended && self.step(&mut &[][..])? {}
        if self.out.len() > self.bytes_max {
            return Err(Error::TooLarge(self.bytes_max));
        }
        if self.ended { Ok(self.out) } else { Err(Error::Incompressible) }
    }
}

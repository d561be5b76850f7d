//! Digests that tell whether files and recipes are what they were.

use std::io::{Read, Write};

use sha2::{Digest as _, Sha256};

/// A SHA-256 in progress. What is written to it is digested.
#[derive(Clone, Default)]
pub struct Digest(Sha256);

impl Digest {
    /// The digest so far, in hexadecimal.
    pub fn hex(self) -> String {
        hex(&self.bytes())
    }

    /// The digest so far.
    pub fn bytes(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    /// The first 64 bits of the digest so far.
    pub fn short(self) -> u64 {
        self.bytes().iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte))
    }

    /// Adds a text and its length, so that two texts never read as one.
    pub fn text(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text.as_bytes());
    }
}

impl Write for Digest {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        self.0.update(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The digest of some bytes, in hexadecimal.
pub fn of_bytes(bytes: &[u8]) -> String {
    let mut digest = Digest::default();
    digest.0.update(bytes);
    digest.hex()
}

/// The digest of what a reader gives, in hexadecimal.
///
/// # Errors
/// It cannot be read.
pub fn of_reader(reader: &mut dyn Read) -> std::io::Result<String> {
    let mut digest = Digest::default();
    std::io::copy(reader, &mut digest)?;
    Ok(digest.hex())
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_vector() {
        let wanted = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of_bytes(b"abc"), wanted);
    }
}

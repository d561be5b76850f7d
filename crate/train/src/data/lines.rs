//! Lines of UTF-8, with their numbers, from plain or packed bytes.

use std::io::{BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use crate::Error;

/// The longest line, in bytes: what unpacks to more is damage.
const LONGEST: u64 = 256 << 20;

/// Bytes as they are or, if they begin as gzip does, unpacked.
///
/// # Errors
/// The first bytes cannot be read.
pub fn unpacked(bytes: impl Read + 'static) -> std::io::Result<Box<dyn BufRead>> {
    let mut bytes = BufReader::with_capacity(1 << 16, bytes);
    let packed = bytes.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    Ok(if packed { Box::new(BufReader::new(MultiGzDecoder::new(bytes))) } else { Box::new(bytes) })
}

/// Lines without their ends, counted from 1.
pub struct Lines<'a, R> {
    file: &'a str,
    bytes: R,
    number: u64,
    buffer: Vec<u8>,
}

impl<'a, R: BufRead> Lines<'a, R> {
    /// The lines of a file; `file` names it in errors.
    pub fn new(file: &'a str, bytes: R) -> Self {
        Self { file, bytes, number: 0, buffer: Vec::new() }
    }

    /// The number of the line that was read last.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// An error about the line that was read last.
    pub fn fail(&self, reason: impl std::fmt::Display) -> Error {
        Error::data(self.file, self.number, reason)
    }

    /// The next line.
    ///
    /// # Errors
    /// It cannot be read, is too long, or is broken UTF-8.
    pub fn next_line(&mut self) -> Result<Option<&str>, Error> {
        self.buffer.clear();
        let mut limited = (&mut self.bytes).take(LONGEST);
        let read = limited.read_until(b'\n', &mut self.buffer);
        self.number += 1;
        let n = read.map_err(|error| Error::data(self.file, self.number, error))?;
        if n == 0 {
            self.number -= 1;
            return Ok(None);
        }
        if n as u64 == LONGEST {
            return Err(self.fail(format!("is longer than {LONGEST} bytes")));
        }
        while self.buffer.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            self.buffer.pop();
        }
        let start = if self.number == 1 && self.buffer.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        match std::str::from_utf8(&self.buffer[start..]) {
            Ok(line) => Ok(Some(line)),
            Err(error) => {
                let at = start + error.valid_up_to();
                Err(Error::data(self.file, self.number, format!("broken UTF-8 at byte {at} of the line")))
            }
        }
    }
}

//! GPT-2's alphabet: each byte as one printable character, so that a vocabulary of text can hold any bytes.
//!
//! Source: `bytes_to_unicode` of GPT-2's `encoder.py`: printable bytes of Latin-1 stand for themselves, the others for
//! the characters from U+0100 on, in order.

/// Whether a byte stands for itself.
fn is_printable(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF)
}

/// The byte that a character of the alphabet stands for.
fn byte_of(c: char) -> Option<u8> {
    let code = c as u32;
    match u8::try_from(code) {
        Ok(byte) => is_printable(byte).then_some(byte),
        Err(_) => (0..=255u8).filter(|&byte| !is_printable(byte)).nth(code.checked_sub(0x100)? as usize),
    }
}

/// The bytes of a token; a token with characters outside the alphabet is taken as plain text.
pub(super) fn bytes_of(token: &str) -> Vec<u8> {
    let bytes: Option<Vec<u8>> = token.chars().map(byte_of).collect();
    bytes.unwrap_or_else(|| token.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_and_newline_have_their_letters() {
        assert_eq!(bytes_of("Ġa"), b" a");
        assert_eq!(bytes_of("Ċ"), b"\n");
        assert_eq!(bytes_of("ä½ł"), "你".as_bytes());
        assert_eq!(bytes_of("中"), "中".as_bytes());
    }

    #[test]
    fn the_alphabet_has_each_byte_once() {
        let found: Vec<u8> = (0..0x200).filter_map(char::from_u32).filter_map(byte_of).collect();
        let distinct: std::collections::BTreeSet<u8> = found.iter().copied().collect();
        assert_eq!((found.len(), distinct.len()), (256, 256));
    }
}

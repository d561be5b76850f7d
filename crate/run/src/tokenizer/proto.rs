//! SentencePiece's own file, a protocol buffer of pieces, scores and settings.
//!
//! Source: `sentencepiece_model.proto` of the SentencePiece library; encoding: protobuf.dev, "Encoding".

use super::{Piece, PieceKind};

/// `TrainerSpec.model_type` of unigrams.
pub(super) const UNIGRAM: u64 = 1;
/// `TrainerSpec.model_type` of pairs merged by score.
pub(super) const BPE: u64 = 2;

/// What of a `ModelProto` matters here.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Model<'a> {
    /// By their ids.
    pub pieces: Vec<Piece>,
    /// [`UNIGRAM`] or [`BPE`]; others are not read.
    pub kind: u64,
    /// The place of the unknown piece; negative for none.
    pub unk: i64,
    /// The place of the piece that begins a text; negative for none.
    pub bos: i64,
    /// The place of the piece that ends a text; negative for none.
    pub eos: i64,
    /// Whether what no piece can write becomes bytes.
    pub byte_fallback: bool,
    /// The rules that change characters.
    pub charsmap: &'a [u8],
    /// Whether a text is taken as if a space came before it.
    pub add_dummy_prefix: bool,
    /// Whether spaces at the ends go, and runs of them become one.
    pub remove_extra_whitespaces: bool,
    /// Whether spaces become `▁`.
    pub escape_whitespaces: bool,
}

impl<'a> Model<'a> {
    /// Reads the whole file.
    ///
    /// # Errors
    /// The reason why it is damaged.
    pub(super) fn read(data: &'a [u8]) -> Result<Self, String> {
        let mut model = Self {
            pieces: Vec::new(),
            kind: UNIGRAM,
            unk: 0,
            bos: 1,
            eos: 2,
            byte_fallback: false,
            charsmap: &[],
            add_dummy_prefix: true,
            remove_extra_whitespaces: true,
            escape_whitespaces: true,
        };
        each_field(data, |number, field| match (number, field) {
            (1, Field::Bytes(bytes)) => {
                model.pieces.push(read_piece(bytes)?);
                Ok(())
            }
            (2, Field::Bytes(bytes)) => model.read_trainer(bytes),
            (3, Field::Bytes(bytes)) => model.read_normalizer(bytes),
            _ => Ok(()),
        })?;
        if model.pieces.is_empty() {
            return Err("the vocabulary is empty".into());
        }
        if let Some(id) = model.pieces.iter().position(|piece| !piece.score.is_finite()) {
            return Err(format!("the score of token {id} is not a number"));
        }
        Ok(model)
    }

    /// The text of the piece at a place, if there is one.
    pub(super) fn text(&self, at: i64) -> Option<String> {
        self.pieces.get(usize::try_from(at).ok()?).map(|piece| piece.text.clone())
    }

    fn read_trainer(&mut self, data: &[u8]) -> Result<(), String> {
        each_field(data, |number, field| {
            match (number, field) {
                (3, Field::Number(kind)) => self.kind = kind,
                (35, Field::Number(on)) => self.byte_fallback = on != 0,
                // Negative ids are written as their two's complement.
                (40, Field::Number(id)) => self.unk = id as i64,
                (41, Field::Number(id)) => self.bos = id as i64,
                (42, Field::Number(id)) => self.eos = id as i64,
                _ => {}
            }
            Ok(())
        })
    }

    fn read_normalizer(&mut self, data: &'a [u8]) -> Result<(), String> {
        each_field(data, |number, field| {
            match (number, field) {
                (2, Field::Bytes(bytes)) => self.charsmap = bytes,
                (3, Field::Number(on)) => self.add_dummy_prefix = on != 0,
                (4, Field::Number(on)) => self.remove_extra_whitespaces = on != 0,
                (5, Field::Number(on)) => self.escape_whitespaces = on != 0,
                _ => {}
            }
            Ok(())
        })
    }
}

fn read_piece(data: &[u8]) -> Result<Piece, String> {
    let mut piece = Piece { text: String::new(), score: 0.0, kind: PieceKind::Normal };
    each_field(data, |number, field| {
        match (number, field) {
            (1, Field::Bytes(bytes)) => {
                piece.text = std::str::from_utf8(bytes).map_err(|_| "a piece is no UTF-8")?.to_string();
            }
            (2, Field::Fixed32(bits)) => piece.score = f32::from_bits(bits),
            (3, Field::Number(kind)) => piece.kind = PieceKind::from_number(i32::try_from(kind).unwrap_or(0)),
            _ => {}
        }
        Ok(())
    })?;
    Ok(piece)
}

/// The value of one field.
enum Field<'a> {
    Number(u64),
    Fixed64,
    Bytes(&'a [u8]),
    Fixed32(u32),
}

/// Calls `visit` with the number and value of every field of a message.
fn each_field<'a>(data: &'a [u8], mut visit: impl FnMut(u64, Field<'a>) -> Result<(), String>) -> Result<(), String> {
    let mut rest = data;
    while !rest.is_empty() {
        let key = varint(&mut rest)?;
        let field = match key & 7 {
            0 => Field::Number(varint(&mut rest)?),
            1 => take(&mut rest, 8).map(|_| Field::Fixed64)?,
            2 => {
                let len = varint(&mut rest)?;
                Field::Bytes(take(&mut rest, usize::try_from(len).unwrap_or(usize::MAX))?)
            }
            5 => {
                let bytes = take(&mut rest, 4)?;
                Field::Fixed32(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
            }
            other => return Err(format!("is damaged: a field of wire type {other}")),
        };
        visit(key >> 3, field)?;
    }
    Ok(())
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Result<&'a [u8], String> {
    let (taken, after) = rest.split_at_checked(len).ok_or("ends in the middle of a field")?;
    *rest = after;
    Ok(taken)
}

fn varint(rest: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)?[0];
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err("is damaged: a number of more than ten bytes".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_has_a_reason() {
        let cases: [(&[u8], &str); 8] = [
            (b"", "empty"),
            (b"\x0a", "ends in the middle"),
            (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "more than ten bytes"),
            (b"\x0a\xff\xff\xff\x0f", "ends in the middle"),
            (b"\x0b", "wire type 3"),
            (b"\x0a\x03\x0a\x01\xff", "no UTF-8"),
            (b"\x0a\x08\x0a\x01a\x15\x00\x00\xc0\x7f", "score of token 0"),
            (b"\x12\x02\x18\x02", "empty"),
        ];
        for (data, wanted) in cases {
            let reason = Model::read(data).expect_err(wanted);
            assert!(reason.contains(wanted), "{reason}");
        }
    }
}

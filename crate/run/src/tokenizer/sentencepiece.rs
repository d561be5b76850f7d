//! `tokenizer.model`: SentencePiece's own file, a protocol buffer of pieces, scores and settings.
//!
//! Source: `sentencepiece_model.proto` of the SentencePiece library; encoding: protobuf.dev, "Encoding".

use super::{Piece, PieceKind, ScoreVocabulary, SpecialTokens, Tokenizer, TokenizerConfig};
use crate::Error;

const FILE: &str = "tokenizer.model";

/// `TrainerSpec.model_type` of pairs merged by score.
const BPE: u64 = 2;

impl Tokenizer {
    /// Reads a vocabulary of the kind that Llama 2 and Mistral publish: pairs by score over text as it is.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] if the file is damaged, or of a kind that is not read here.
    pub fn from_sentencepiece(data: &[u8], config: &TokenizerConfig) -> Result<Tokenizer, Error> {
        let model = Model::read(data)?;
        if model.kind != BPE {
            return Err(fail("is no vocabulary of pairs (BPE), the only kind that is read"));
        }
        if model.changes_text {
            return Err(fail("changes texts before they are cut, which is not supported"));
        }
        let at = |id: i64| u32::try_from(id).ok().filter(|id| (*id as usize) < model.pieces.len());
        let [unk, bos, eos, pad] = model.ids.map(at);
        let special = SpecialTokens { bos, eos, pad, unk };
        let mut vocabulary = ScoreVocabulary::new(FILE, model.pieces, special)?;
        vocabulary.add_space_prefix = model.add_space_prefix;
        vocabulary.add_bos = config.add_bos.unwrap_or(true);
        vocabulary.add_eos = config.add_eos.unwrap_or(false);
        Ok(Tokenizer::from_scores(vocabulary))
    }
}

fn fail(reason: impl std::fmt::Display) -> Error {
    Error::tokenizer(FILE, reason)
}

/// What of a `ModelProto` matters here.
struct Model {
    pieces: Vec<Piece>,
    kind: u64,
    /// Unknown, begin, end, padding.
    ids: [i64; 4],
    add_space_prefix: bool,
    changes_text: bool,
}

impl Model {
    fn read(data: &[u8]) -> Result<Self, Error> {
        let mut model =
            Self { pieces: Vec::new(), kind: 1, ids: [0, 1, 2, -1], add_space_prefix: true, changes_text: true };
        each_field(data, |number, field| match (number, field) {
            (1, Field::Bytes(bytes)) => {
                model.pieces.push(read_piece(bytes)?);
                Ok(())
            }
            (2, Field::Bytes(bytes)) => model.read_trainer(bytes),
            (3, Field::Bytes(bytes)) => model.read_normalizer(bytes),
            _ => Ok(()),
        })?;
        Ok(model)
    }

    fn read_trainer(&mut self, data: &[u8]) -> Result<(), Error> {
        each_field(data, |number, field| {
            match (number, field) {
                (3, Field::Number(kind)) => self.kind = kind,
                // Negative ids are written as their two's complement.
                (40..=43, Field::Number(id)) => self.ids[number as usize - 40] = id as i64,
                _ => {}
            }
            Ok(())
        })
    }

    fn read_normalizer(&mut self, data: &[u8]) -> Result<(), Error> {
        let (mut charsmap, mut squeezes) = (false, true);
        each_field(data, |number, field| {
            match (number, field) {
                (2, Field::Bytes(bytes)) => charsmap = !bytes.is_empty(),
                (3, Field::Number(on)) => self.add_space_prefix = on != 0,
                (4, Field::Number(on)) => squeezes = on != 0,
                _ => {}
            }
            Ok(())
        })?;
        self.changes_text = charsmap || squeezes;
        Ok(())
    }
}

fn read_piece(data: &[u8]) -> Result<Piece, Error> {
    let mut piece = Piece { text: String::new(), score: 0.0, kind: PieceKind::Normal };
    each_field(data, |number, field| {
        match (number, field) {
            (1, Field::Bytes(bytes)) => {
                piece.text = std::str::from_utf8(bytes).map_err(|_| fail("a piece is no UTF-8"))?.to_string();
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
fn each_field<'a>(data: &'a [u8], mut visit: impl FnMut(u64, Field<'a>) -> Result<(), Error>) -> Result<(), Error> {
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
            other => return Err(fail(format!("is damaged: a field of wire type {other}"))),
        };
        visit(key >> 3, field)?;
    }
    Ok(())
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Result<&'a [u8], Error> {
    let (taken, after) = rest.split_at_checked(len).ok_or_else(|| fail("ends in the middle of a field"))?;
    *rest = after;
    Ok(taken)
}

fn varint(rest: &mut &[u8]) -> Result<u64, Error> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)?[0];
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(fail("is damaged: a number of more than ten bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_an_error() {
        let config = TokenizerConfig::default();
        for data in
            [&b""[..], b"\x0a", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\x0b", b"\x0a\x03\x0a\x01\xff"]
        {
            let error = Tokenizer::from_sentencepiece(data, &config).unwrap_err();
            assert!(error.to_string().starts_with(FILE), "{error}");
        }
    }
}

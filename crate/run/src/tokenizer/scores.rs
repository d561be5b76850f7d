//! SentencePiece's kind of pairs: of all neighbours that make a token together, those whose token has the best score
//! are merged first, the leftmost of equals.
//!
//! Source: Kudo and Richardson, "SentencePiece" (2018), and the BPE part of its `bpe_model.cc`. The library's own pairs
//! order merges by rank and so cannot keep equal scores equal, hence this one.

use super::merger::merge;
use super::{Engine, Framing, SpecialTokens, Spelling, Tokenizer};
use crate::Error;
use std::collections::HashMap;

/// What a piece of a vocabulary is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PieceKind {
    /// Made by merging.
    Normal,
    /// Stands for what no other piece can write.
    Unknown,
    /// Special, such as the token that begins a sequence.
    Control,
    /// Found in a text before anything is merged.
    UserDefined,
    /// Never made.
    Unused,
    /// One byte, written as `<0xE4>`.
    Byte,
}

impl PieceKind {
    /// The kind of a number in SentencePiece's and GGUF's files.
    pub fn from_number(number: i32) -> PieceKind {
        match number {
            2 => PieceKind::Unknown,
            3 => PieceKind::Control,
            4 => PieceKind::UserDefined,
            5 => PieceKind::Unused,
            6 => PieceKind::Byte,
            _ => PieceKind::Normal,
        }
    }

    /// The number of a kind in those files.
    pub fn number(self) -> i32 {
        match self {
            PieceKind::Normal => 1,
            PieceKind::Unknown => 2,
            PieceKind::Control => 3,
            PieceKind::UserDefined => 4,
            PieceKind::Unused => 5,
            PieceKind::Byte => 6,
        }
    }
}

/// One token of a scored vocabulary.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// Its text, with `▁` for a space.
    pub text: String,
    /// The higher, the earlier it is made.
    pub score: f32,
    /// What it is for.
    pub kind: PieceKind,
}

/// A vocabulary whose scores say what is merged first.
#[derive(Debug, Clone)]
pub struct ScoreVocabulary {
    /// Whether a text is taken as if a space came before it.
    pub add_space_prefix: bool,
    /// Whether a text begins with the token for that.
    pub add_bos: bool,
    /// Whether a text ends with the token for that.
    pub add_eos: bool,
    file: String,
    pieces: Vec<Piece>,
    special: SpecialTokens,
    /// All pieces by their text.
    ids: HashMap<String, u32>,
    /// The ids of the byte pieces.
    bytes: Vec<Option<u32>>,
    /// Pieces that are found whole in a text, by their first byte, longest first.
    fixed: HashMap<u8, Vec<u32>>,
}

impl ScoreVocabulary {
    /// A vocabulary of pieces by their ids; errors name `file`.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] if there are no pieces, or a score is not a number.
    pub fn new(file: &str, pieces: Vec<Piece>, special: SpecialTokens) -> Result<ScoreVocabulary, Error> {
        if pieces.is_empty() {
            return Err(Error::tokenizer(file, "the vocabulary is empty"));
        }
        if let Some(id) = pieces.iter().position(|piece| piece.score.is_nan()) {
            return Err(Error::tokenizer(file, format!("the score of token {id} is not a number")));
        }
        let (mut ids, mut bytes, mut fixed) = (HashMap::new(), vec![None; 256], HashMap::<u8, Vec<u32>>::new());
        for (id, piece) in (0u32..).zip(&pieces) {
            ids.entry(piece.text.clone()).or_insert(id);
            match (piece.kind, byte_of(&piece.text), piece.text.bytes().next()) {
                (PieceKind::Byte, Some(byte), _) => bytes[usize::from(byte)] = Some(id),
                (PieceKind::Control | PieceKind::UserDefined | PieceKind::Unknown, _, Some(first)) => {
                    fixed.entry(first).or_default().push(id)
                }
                _ => {}
            }
        }
        for list in fixed.values_mut() {
            list.sort_by_key(|&id| std::cmp::Reverse(pieces[id as usize].text.len()));
        }
        let file = file.to_string();
        let (add_space_prefix, add_bos, add_eos) = (true, true, false);
        Ok(ScoreVocabulary { add_space_prefix, add_bos, add_eos, file, pieces, special, ids, bytes, fixed })
    }

    /// The vocabulary of a llama2.c tokenizer: 0 is unknown, 1 begins, 2 ends, 3 to 258 are the bytes.
    ///
    /// # Errors
    /// As [`ScoreVocabulary::new`].
    pub fn from_llama2c(file: &str, tokenizer: &format::llama2c::Tokenizer) -> Result<ScoreVocabulary, Error> {
        let piece = |(id, (score, bytes)): (usize, &(f32, Vec<u8>))| {
            let text = String::from_utf8_lossy(bytes).replace(' ', "▁");
            let (text, kind) = match id {
                0 => ("<unk>".to_string(), PieceKind::Unknown),
                1 => ("<s>".to_string(), PieceKind::Control),
                2 => ("</s>".to_string(), PieceKind::Control),
                3..=258 => (format!("<0x{:02X}>", id - 3), PieceKind::Byte),
                _ => (text, PieceKind::Normal),
            };
            Piece { text, score: *score, kind }
        };
        let pieces = tokenizer.tokens.iter().enumerate().map(piece).collect();
        let special = SpecialTokens { bos: Some(1), eos: Some(2), pad: None, unk: Some(0) };
        ScoreVocabulary::new(file, pieces, special)
    }

    /// All pieces by their ids.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// One piece.
    pub(super) fn piece(&self, id: u32) -> Option<&Piece> {
        self.pieces.get(id as usize)
    }

    /// The id of a piece by its text.
    pub(super) fn id(&self, text: &str) -> Option<u32> {
        self.ids.get(text).copied()
    }

    /// The ids of a text, without those that go around it.
    pub(super) fn encode(&self, text: &str) -> Result<Vec<u32>, Error> {
        let (mut ids, mut rest, mut start) = (Vec::new(), 0, 0);
        while rest < text.len() {
            match self.fixed_at(&text[rest..]) {
                Some(id) => {
                    self.encode_stretch(&text[start..rest], &mut ids)?;
                    ids.push(id);
                    rest += self.pieces[id as usize].text.len();
                    start = rest;
                }
                None => rest += text[rest..].chars().next().map_or(1, char::len_utf8),
            }
        }
        self.encode_stretch(&text[start..], &mut ids)?;
        Ok(ids)
    }

    /// The longest control or user-defined piece that a text begins with.
    fn fixed_at(&self, text: &str) -> Option<u32> {
        let candidates = self.fixed.get(text.as_bytes().first()?)?;
        candidates.iter().copied().find(|&id| text.starts_with(&self.pieces[id as usize].text))
    }

    /// The ids of a stretch without fixed pieces.
    fn encode_stretch(&self, text: &str, ids: &mut Vec<u32>) -> Result<(), Error> {
        if text.is_empty() {
            return Ok(());
        }
        let prefix = if self.add_space_prefix { "▁" } else { "" };
        let text = format!("{prefix}{}", text.replace(' ', "▁"));
        for part in merge(self, &text) {
            match self.mergeable(part) {
                Some((id, _)) => ids.push(id),
                None => self.encode_bytes(part, ids)?,
            }
        }
        Ok(())
    }

    /// A part that is no piece, byte by byte, or as one unknown piece for a run of such parts.
    fn encode_bytes(&self, part: &str, ids: &mut Vec<u32>) -> Result<(), Error> {
        let bytes: Option<Vec<u32>> = part.bytes().map(|byte| self.bytes[usize::from(byte)]).collect();
        match (bytes, self.special.unk) {
            (Some(bytes), _) => ids.extend(bytes),
            (None, Some(unk)) if ids.last() == Some(&unk) => {}
            (None, Some(unk)) => ids.push(unk),
            (None, None) => return Err(Error::tokenizer(&self.file, format!("no token can write {part:?}"))),
        }
        Ok(())
    }

    /// The id and score of a text that merging may make.
    pub(super) fn mergeable(&self, text: &str) -> Option<(u32, f32)> {
        let id = self.id(text)?;
        let piece = &self.pieces[id as usize];
        matches!(piece.kind, PieceKind::Normal | PieceKind::UserDefined).then_some((id, piece.score))
    }

    /// The text of some ids: `▁` becomes a space, runs of bytes become characters, and the space that encoding put
    /// first goes.
    pub(super) fn decode(&self, ids: impl Iterator<Item = u32>) -> String {
        let (mut text, mut run) = (String::new(), Vec::new());
        for piece in ids.filter_map(|id| self.piece(id)) {
            match byte_of(&piece.text).filter(|_| piece.kind == PieceKind::Byte) {
                Some(byte) => run.push(byte),
                None => {
                    flush(&mut run, &mut text);
                    text.push_str(&piece.text.replace('▁', " "));
                }
            }
        }
        flush(&mut run, &mut text);
        match text.strip_prefix(' ') {
            Some(rest) if self.add_space_prefix => rest.to_string(),
            _ => text,
        }
    }
}

/// Writes a run of bytes as characters; each byte that belongs to none becomes a replacement character.
fn flush(run: &mut Vec<u8>, text: &mut String) {
    for chunk in run.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    run.clear();
}

/// The byte that a piece such as `<0xE4>` stands for.
pub(super) fn byte_of(piece: &str) -> Option<u8> {
    let digits = piece.strip_prefix("<0x")?.strip_suffix('>')?;
    let both = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if both { u8::from_str_radix(digits, 16).ok() } else { None }
}

impl Tokenizer {
    /// Around a vocabulary whose scores say what is merged first.
    pub fn from_scores(vocabulary: ScoreVocabulary) -> Tokenizer {
        let special = vocabulary.special;
        let kinds = (0u32..).zip(&vocabulary.pieces);
        let special_ids = kinds
            .filter(|(_, p)| matches!(p.kind, PieceKind::Control | PieceKind::Unknown))
            .map(|(id, _)| id)
            .collect();
        let framing = Framing::Ends {
            first: special.bos.filter(|_| vocabulary.add_bos),
            last: special.eos.filter(|_| vocabulary.add_eos),
        };
        let vocab_len = vocabulary.pieces.len();
        let engine = Engine::Scores(Box::new(vocabulary));
        Tokenizer { engine, framing, spelling: Spelling::Pieces, special, special_ids, vocab_len }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary(pieces: &[(&str, f32, PieceKind)]) -> ScoreVocabulary {
        let pieces = pieces.iter().map(|&(text, score, kind)| Piece { text: text.into(), score, kind }).collect();
        let special = SpecialTokens { unk: Some(0), ..SpecialTokens::default() };
        ScoreVocabulary::new("test", pieces, special).unwrap()
    }

    #[test]
    fn the_best_score_is_merged_first_and_the_leftmost_of_equals() {
        use PieceKind::{Normal, Unknown};
        let mut v = vocabulary(&[
            ("<unk>", 0.0, Unknown),
            ("a", -9.0, Normal),
            ("b", -9.0, Normal),
            ("ab", -1.0, Normal),
            ("ba", -1.0, Normal),
            ("aba", -2.0, Normal),
            ("bb", -0.5, Normal),
        ]);
        v.add_space_prefix = false;
        assert_eq!(v.encode("aba").unwrap(), [5]);
        assert_eq!(v.encode("abab").unwrap(), [3, 3]);
        assert_eq!(v.encode("abba").unwrap(), [1, 6, 1]);
        assert_eq!(v.encode("axxb").unwrap(), [1, 0, 2], "a run of unknown characters is one token");
    }

    #[test]
    fn bytes_become_characters_and_broken_ones_do_not() {
        use PieceKind::{Byte, Unknown};
        let v =
            vocabulary(&[("<unk>", 0.0, Unknown), ("<0xE4>", 0.0, Byte), ("<0xBD>", 0.0, Byte), ("<0xA0>", 0.0, Byte)]);
        assert_eq!(v.decode([1, 2, 3].into_iter()), "你");
        assert_eq!(v.decode([1, 2, 1, 2, 3].into_iter()), "��你");
    }
}

//! `tokenizer.model`, `spiece.model` and their like: SentencePiece's pairs and unigrams.
//!
//! The reference library takes each of its classes apart from what the file itself says; so does this.

use super::class::Class;
use super::parts::{Around, Parts, metaspace, normalizers, replace, replace_regex};
use super::proto::{BPE, Model, UNIGRAM};
use super::vocab_merges::check_merges;
use super::{Piece, PieceKind, Tokenizer, TokenizerConfig, charsmap, languages};
use crate::Error;
use serde_json::{Value, json};
use std::collections::HashMap;
use tokenizers::models::{bpe, unigram};
use tokenizers::{AddedToken, NormalizerWrapper};

/// How many sentinels T5 has by default.
const SENTINELS: u64 = 100;
/// The most sentinels that are believed.
const MOST_SENTINELS: u64 = 10_000;

impl Tokenizer {
    /// Reads the bytes of a file of that name.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] if it is damaged, or of a kind that is not read here.
    pub fn from_sentencepiece(file: &str, data: &[u8], config: &TokenizerConfig) -> Result<Tokenizer, Error> {
        let mut model = Model::read(data).map_err(|reason| Error::tokenizer(file, reason))?;
        let class = class(&model, config);
        if class == Class::Any {
            return from_model(file, model, config.clone());
        }
        let mut config = config.clone().with_names(class);
        match class {
            Class::XlmRoberta | Class::MBart | Class::MBart50 => fairseq(&mut model, &mut config),
            Class::T5 => sentinels(&mut model, &mut config),
            _ => {}
        }
        // The own begin and end of XLM-R and mBART have moved.
        if !matches!(class, Class::XlmRoberta | Class::MBart | Class::MBart50) {
            add_fixed(&mut config, &model, &[PieceKind::Control, PieceKind::UserDefined]);
        }
        let parts = parts(file, class, &model, &config)?;
        match class {
            Class::Llama | Class::Gemma => parts.build(file, pairs(file, &model, class, &config)?, &config),
            _ => parts.build(file, unigrams(file, &model, class)?, &config),
        }
    }
}

/// A tokenizer that does what the model itself says, whatever it is called.
pub(super) fn from_model(file: &str, mut model: Model, mut config: TokenizerConfig) -> Result<Tokenizer, Error> {
    config.class = Class::Any;
    rename(&mut model, &config);
    for (slot, at) in [(&mut config.bos, model.bos), (&mut config.eos, model.eos), (&mut config.unk, model.unk)] {
        *slot = slot.take().or_else(|| model.text(at));
    }
    // User-defined pieces are cut out after the space before the text.
    add_fixed(&mut config, &model, &[PieceKind::Control]);
    let parts = as_the_file_says(file, &model, config.habits.legacy.unwrap_or(true))?;
    match model.kind {
        BPE => parts.build(file, pairs(file, &model, Class::Any, &config)?, &config),
        UNIGRAM => parts.build(file, unigrams(file, &model, Class::Any)?, &config),
        _ => Err(Error::tokenizer(file, "is neither of pairs (BPE) nor of unigrams, the kinds that are read")),
    }
}

/// The class that is named, as long as the file can be one, else the one it looks like.
fn class(model: &Model, config: &TokenizerConfig) -> Class {
    let has = |text: &str| model.pieces.iter().any(|piece| piece.text == text);
    match (config.class, model.kind) {
        (named @ (Class::Llama | Class::Gemma), BPE) => named,
        (named @ (Class::T5 | Class::Albert | Class::XlmRoberta | Class::MBart | Class::MBart50), UNIGRAM) => named,
        (Class::Any, UNIGRAM) if has("[CLS]") && has("[SEP]") => Class::Albert,
        (Class::Any, UNIGRAM) if model.unk == 2 && has("<pad>") => Class::T5,
        _ => Class::Any,
    }
}

/// XLM-R and mBART: the ids of fairseq before the pieces; the languages, and one for the mask, after them.
fn fairseq(model: &mut Model, config: &mut TokenizerConfig) {
    let piece =
        |name: &Option<String>| Piece { text: name.clone().unwrap_or_default(), score: 0.0, kind: PieceKind::Normal };
    let first = [&config.bos, &config.pad, &config.eos, &config.unk];
    model.pieces.splice(0..model.pieces.len().min(3), first.into_iter().map(piece));
    for code in languages::codes(config.class) {
        model.pieces.push(piece(&Some((*code).to_string())));
        config.other_special.push((*code).to_string());
    }
    model.pieces.push(piece(&config.mask));
    if let (Class::MBart50, Some(mask)) = (config.class, config.mask.clone()) {
        // It takes the space before it along.
        config.objects.push(AddedToken::from(mask, true).lstrip(true).normalized(false));
    }
    model.unk = 3;
}

/// T5: sentinels after the pieces, the last one first.
fn sentinels(model: &mut Model, config: &mut TokenizerConfig) {
    let count = config.habits.extra_ids.unwrap_or(SENTINELS).min(MOST_SENTINELS);
    for number in (0..count).rev() {
        let text = format!("<extra_id_{number}>");
        config.other_special.push(text.clone());
        model.pieces.push(Piece { text, score: 0.0, kind: PieceKind::Normal });
    }
    model.unk = 2;
}

/// Pieces that hold a place for tokens of `added_tokens_decoder` take their names.
fn rename(model: &mut Model, config: &TokenizerConfig) {
    for (id, token) in &config.added {
        let taken = model.pieces.iter().any(|piece| piece.text == token.content);
        if let Some(piece) = model.pieces.get_mut(usize::try_from(*id).unwrap_or(usize::MAX)).filter(|_| !taken) {
            piece.text = token.content.clone();
        }
    }
}

/// Pieces of some kinds, which are found in a text before anything else, become added tokens.
fn add_fixed(config: &mut TokenizerConfig, model: &Model, kinds: &[PieceKind]) {
    for (id, piece) in (0u64..).zip(&model.pieces).filter(|(_, piece)| kinds.contains(&piece.kind)) {
        if config.added.iter().all(|(_, token)| token.content != piece.text) {
            let token = AddedToken::from(piece.text.clone(), piece.kind == PieceKind::Control).normalized(false);
            config.added.push((id, token));
        }
    }
    config.added.sort_by_key(|(id, _)| *id);
}

/// The stages around the model.
fn parts(file: &str, class: Class, model: &Model, config: &TokenizerConfig) -> Result<Parts, Error> {
    let words =
        |scheme| json!({"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace(scheme, true)]});
    let prefix = config.add_prefix_space.unwrap_or(true);
    let always = if prefix { "always" } else { "never" };
    let rules = || charsmap_of(file, model);
    Ok(match class {
        Class::T5 => Parts {
            normalizers: rules()?,
            pre_tokenizer: words("always"),
            around: Around::End,
            decoder: metaspace("always", true),
        },
        // The reference leaves the file's rules for characters out here.
        Class::MBart => Parts {
            normalizers: Vec::new(),
            pre_tokenizer: words("always"),
            around: Around::Language { first: false },
            decoder: metaspace("always", true),
        },
        Class::MBart50 => {
            let mut stages = rules()?;
            stages.extend(normalizers(file, json!([replace_regex(" {2,}", " ")]))?);
            Parts {
                normalizers: stages,
                pre_tokenizer: metaspace("always", true),
                around: Around::Language { first: true },
                decoder: metaspace("always", true),
            }
        }
        Class::XlmRoberta => Parts {
            normalizers: rules()?,
            pre_tokenizer: words(always),
            around: Around::Fairseq,
            decoder: metaspace(always, true),
        },
        Class::Albert => {
            let mut stages = normalizers(file, albert(config))?;
            stages.extend(rules()?);
            Parts {
                normalizers: stages,
                pre_tokenizer: words(always),
                around: Around::Bert,
                decoder: metaspace(always, true),
            }
        }
        Class::Llama => {
            let scheme = match (prefix, config.habits.legacy.unwrap_or(false)) {
                (false, _) => "never",
                (true, true) => "always",
                (true, false) => "first",
            };
            Parts {
                normalizers: Vec::new(),
                pre_tokenizer: metaspace(scheme, false),
                around: Around::Flags,
                decoder: pieces_decoder(true, prefix),
            }
        }
        Class::Gemma => Parts {
            normalizers: normalizers(file, json!([replace(" ", "▁")]))?,
            pre_tokenizer: json!({"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": false}),
            around: Around::Flags,
            decoder: pieces_decoder(true, false),
        },
        _ => as_the_file_says(file, model, true)?,
    })
}

/// ALBERT's habits: quotes, accents and capitals are taken away.
fn albert(config: &TokenizerConfig) -> Value {
    let mut stages = vec![replace("``", "\""), replace("''", "\"")];
    if !config.habits.keep_accents.unwrap_or(false) {
        stages.extend([json!({"type": "NFKD"}), json!({"type": "StripAccents"})]);
    }
    if config.habits.do_lower_case.unwrap_or(true) {
        stages.push(json!({"type": "Lowercase"}));
    }
    Value::Array(stages)
}

/// The file's own settings, in SentencePiece's order.
pub(super) fn as_the_file_says(file: &str, model: &Model, legacy: bool) -> Result<Parts, Error> {
    let mut stages = charsmap_of(file, model)?;
    let mut more = Vec::new();
    if model.remove_extra_whitespaces {
        more.extend([replace_regex(r"\A +| +\z", ""), replace_regex(" {2,}", " ")]);
    }
    if model.escape_whitespaces {
        more.push(replace(" ", "▁"));
    }
    if model.add_dummy_prefix && legacy {
        // The stage that comes next leaves a text alone that begins with the sign.
        more.push(replace_regex(r"\A▁", "▁▁"));
    }
    stages.extend(normalizers(file, Value::Array(more))?);
    let mut cuts = Vec::new();
    if model.add_dummy_prefix {
        cuts.push(metaspace(if legacy { "always" } else { "first" }, false));
    }
    cuts.extend(user_defined(model));
    let pre_tokenizer = json!({"type": "Sequence", "pretokenizers": cuts});
    let decoder = pieces_decoder(model.byte_fallback, model.add_dummy_prefix);
    Ok(Parts { normalizers: stages, pre_tokenizer, around: Around::Flags, decoder })
}

/// The stage that cuts out user-defined pieces, longest first.
fn user_defined(model: &Model) -> Option<Value> {
    let fixed = model.pieces.iter().filter(|piece| piece.kind == PieceKind::UserDefined && !piece.text.is_empty());
    let mut texts: Vec<&str> = fixed.map(|piece| piece.text.as_str()).collect();
    texts.sort_by_key(|text| std::cmp::Reverse(text.chars().count()));
    let pattern = texts.iter().map(|text| escape(text)).collect::<Vec<_>>().join("|");
    (!texts.is_empty())
        .then(|| json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false}))
}

/// A text as an expression that finds it.
fn escape(text: &str) -> String {
    text.chars().flat_map(|c| [Some('\\').filter(|_| r"\.+*?()|[]{}^$".contains(c)), Some(c)]).flatten().collect()
}

/// Joins pieces: `▁` becomes a space, bytes become characters, and the space before the text goes.
fn pieces_decoder(byte_fallback: bool, prefix: bool) -> Value {
    let mut stages = vec![replace("▁", " ")];
    if byte_fallback {
        stages.push(json!({"type": "ByteFallback"}));
    }
    if byte_fallback || prefix {
        stages.push(json!({"type": "Fuse"}));
    }
    if prefix {
        stages.push(json!({"type": "Strip", "content": " ", "start": 1, "stop": 0}));
    }
    json!({"type": "Sequence", "decoders": stages})
}

/// The rules for characters, if there are any.
fn charsmap_of(file: &str, model: &Model) -> Result<Vec<NormalizerWrapper>, Error> {
    if model.charsmap.is_empty() {
        return Ok(Vec::new());
    }
    let rules = charsmap::read(model.charsmap).map_err(|reason| Error::tokenizer(file, reason))?;
    Ok(vec![NormalizerWrapper::Precompiled(rules)])
}

/// Unigrams; what is around them decides about bytes.
pub(super) fn unigrams(file: &str, model: &Model, class: Class) -> Result<unigram::Unigram, Error> {
    let vocab = model.pieces.iter().map(|piece| (piece.text.clone(), f64::from(piece.score))).collect();
    let unk = if class == Class::Albert { 1 } else { model.unk };
    let unk = usize::try_from(unk).map_err(|_| Error::tokenizer(file, "has no unknown piece"))?;
    let byte_fallback = class == Class::Any && model.byte_fallback;
    unigram::Unigram::from(vocab, Some(unk), byte_fallback).map_err(|error| Error::tokenizer(file, error))
}

/// Pairs: every way to make a normal piece of two others, the best score first.
fn pairs(file: &str, model: &Model, class: Class, config: &TokenizerConfig) -> Result<bpe::BPE, Error> {
    let ids: bpe::Vocab = model.pieces.iter().map(|piece| piece.text.clone()).zip(0..).collect();
    let normal: HashMap<&str, f32> = model
        .pieces
        .iter()
        .filter(|piece| piece.kind == PieceKind::Normal || class != Class::Any && piece.kind == PieceKind::UserDefined)
        .map(|piece| (piece.text.as_str(), piece.score))
        .collect();
    let mut ranked: Vec<(f32, u32, &str, &str)> = Vec::new();
    for (id, piece) in (0u32..).zip(&model.pieces).filter(|(_, piece)| normal.contains_key(piece.text.as_str())) {
        for (at, _) in piece.text.char_indices().skip(1) {
            let (left, right) = piece.text.split_at(at);
            if normal.contains_key(left) && normal.contains_key(right) {
                ranked.push((piece.score, id, left, right));
            }
        }
    }
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| (a.1, a.2, a.3).cmp(&(b.1, b.2, b.3))));
    let merges: Vec<(String, String)> =
        ranked.into_iter().map(|(_, _, left, right)| (left.into(), right.into())).collect();
    check_merges(&ids, &merges).map_err(|reason| Error::tokenizer(file, reason))?;
    let mut builder = bpe::BPE::builder().vocab_and_merges(ids, merges).fuse_unk(true);
    if class == Class::Any {
        let fixed = model.pieces.iter().any(|piece| piece.kind == PieceKind::UserDefined);
        builder = builder.byte_fallback(model.byte_fallback).ignore_merges(fixed);
    } else {
        builder = builder.byte_fallback(true);
    }
    if class != Class::Llama {
        builder = builder.unk_token(config.unk.clone().unwrap_or_default());
    }
    builder.build().map_err(|error| Error::tokenizer(file, error))
}
